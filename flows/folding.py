"""Branches folded away: what hangs below a folded node is not drawn, but for the ways by which it meets others again."""

from collections import Counter
from collections.abc import Collection, Sequence

from flows.tree import Box, Port, Tree, Way

FOLD = "folded"  # the way out that stands for all that is folded away


def depths(tree: Tree) -> Counter[str]:
    """Return how many nodes nobody comes to but through each node."""
    found: Counter[str] = Counter()
    for key in reversed(tree.order):
        if above := tree.above[key]:
            found[above] += found[key] + 1
    return found


def hidden(tree: Tree, folded: Collection[str]) -> dict[str, str]:
    """Return the nodes that are folded away, each with the folded node that it is behind."""
    behind: dict[str, str] = {}
    for key in tree.order:
        above = tree.above[key]
        if above in behind:
            behind[key] = behind[above]
        elif above in folded:
            behind[key] = above
    return behind


def fold(boxes: Sequence[Box], ways: Sequence[Way], behind: dict[str, str]) -> tuple[list[Box], list[Way]]:
    """Return what is left to draw: a folded node leads wherever what is behind it led."""
    shut = set(behind.values())
    left: list[Way] = []
    out: dict[str, list[str]] = {key: [] for key in shut}  # where the ways out of what is folded away lead
    for way in ways:
        source, target = behind.get(way.source, way.source), behind.get(way.target, way.target)
        if source not in shut:
            left.append(Way(source, way.port, target))
        elif source != target and target not in out[source]:
            out[source].append(target)
            left.append(Way(source, f"{FOLD}{len(out[source])}", target))
    ports = {key: tuple(Port(f"{FOLD}{at + 1}") for at in range(max(1, len(out[key])))) for key in shut}
    return [Box(one.key, ports.get(one.key, one.ports), one.root) for one in boxes if one.key not in behind], left
