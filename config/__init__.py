"""How the parts are put together."""

from config import memory

memory.relax()

from config.celery import app as celery_app  # noqa: E402 - what is imported from here on begins sooner

__all__ = ["celery_app"]
