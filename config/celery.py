"""The Celery application: a doorbell for work that stands in PostgreSQL."""

import os

from celery import Celery

from config.heart import Heart

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("tributary")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(Heart)
