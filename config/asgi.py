"""The door: HTTP for everybody, websockets for those who have signed in."""

import os
from typing import cast

from asgiref.typing import ASGI3Application
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path

from config import memory

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

http = get_asgi_application()

from config.live import Live  # noqa: E402 - Django must be set up before consumers are imported
from config.shortcut import Shortcut  # noqa: E402 - as before

application = ProtocolTypeRouter(
    {
        "http": Shortcut(cast("ASGI3Application", http)),
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter([path("ws/live/", Live.as_asgi())]))),
    }
)

memory.settle()
