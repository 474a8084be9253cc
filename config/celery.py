"""The Celery application: a doorbell for work that stands in PostgreSQL."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

from config import memory
from config.heart import Heart

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("tributary")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(Heart)


@worker_process_init.connect
def settle(**about: Any) -> None:
    """Begin a pool process with its memory put in order."""
    memory.settle()
