"""A worker's runner as a process of its own: `python -m bench.walker` waits for a line, then moves everybody who is due."""

import json
import os
import sys
import time

import django

SEEN_SECONDS = 300.0
CHUNK = 1000


def main() -> int:
    """Move everybody, and print the steps, the seconds and the processor seconds."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    # Django can only be asked once it is set up.
    from bench.measure import peak_mb  # noqa: PLC0415
    from config import memory  # noqa: PLC0415
    from flows import runner  # noqa: PLC0415
    from flows.models import Enrollment  # noqa: PLC0415

    memory.settle()
    Enrollment.objects.exists()  # connected
    print("ready", flush=True)
    sys.stdin.readline()
    steps, idle, begun, cpu = 0, 0, time.perf_counter(), time.process_time()
    while idle < 3 and time.perf_counter() - begun < SEEN_SECONDS:  # others may have what is left in hand
        made = runner.run(CHUNK)
        steps, idle = steps + made, 0 if made else idle + 1
    said = {"steps": steps, "seconds": time.perf_counter() - begun, "cpu": time.process_time() - cpu, "mb": peak_mb()}
    print(json.dumps(said), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
