"""Server-sent events (HTML, 9.2)."""

from aiohttp import web
from pydantic import BaseModel

from entrypoints.http.api.context import STOPPING

HEADERS = {
    "Content-Type": "text/event-stream",
    "X-Accel-Buffering": "no",  # otherwise nginx buffers events
}

KEEPALIVE = b": keep-alive\n\n"
"""A comment that keeps proxies from closing the stream."""


def render_event(name: str, body: BaseModel, event_id: str = "") -> str:
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {name}\ndata: {body.model_dump_json()}\n\n"


def is_disconnected(request: web.Request) -> bool:
    """Return whether the caller disconnected or the service is stopping."""
    return request.transport is None or request.app[STOPPING].is_set()
