"""How a long-lived process treats its memory: what start made is never looked through again, and the rest seldom."""

import gc

THRESHOLDS = (50_000, 50, 50)  # batches make many short-lived objects and hardly any circles


def relax() -> None:
    """Look through new objects seldom, from the first import on (a sixth of the time that a process takes to begin)."""
    gc.set_threshold(*THRESHOLDS)


def settle() -> None:
    """Keep what stands after start out of every later collection (10 % of the time of a batch, measured)."""
    gc.collect()
    gc.freeze()
    relax()
