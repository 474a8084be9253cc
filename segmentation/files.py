"""Handing an exported file over, a part at a time, with a line in the record."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from django.http import StreamingHttpResponse

from segmentation.models import Delivery
from workspace.audit import Actor, record

PART = 256 * 1024


def served(path: Path, actor: Actor, delivery: Delivery) -> StreamingHttpResponse:
    """Answer a file without reading it whole into memory."""
    record(actor, "destination.downloaded", delivery.destination.ref, delivery=delivery.ref, contacts=delivery.size)
    response = StreamingHttpResponse(_parts(path), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{path.name}"'
    response["Content-Length"] = str(path.stat().st_size)
    response["Cache-Control"] = "private, no-store"
    return response


async def _parts(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while part := await asyncio.to_thread(file.read, PART):
            yield part
