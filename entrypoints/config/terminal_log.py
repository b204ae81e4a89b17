"""The log in a terminal: one short line for each request, and for each other event."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from domain.text import escape_unprintable

REQUEST = "http.request"

VERBS: Mapping[str, tuple[str, str]] = {
    "createDatabase": ("created", "creating"),
    "createNeonDb": ("created", "creating"),
    "changeDatabase": ("changed", "changing"),
    "deleteDatabase": ("deleted", "deleting"),
    "rotatePassword": ("rotated the password of", "rotating the password of"),
    "restoreDatabase": ("restored", "restoring"),
    "addExtension": ("added an extension to", "adding an extension to"),
}
"""Words for a successful request, and for one that continues in the background."""

MAX_REQUESTS = 1_000
"""Requests whose state is kept; more than are in progress at once, as a rule."""

SHORT_ID = 8

_HIDDEN = ("logger", "level", "request_id", "trace_id", "timestamp", "event")


class RequestSummary:
    """A processor that drops the steps of databases while their request is in progress, and adds
    the database to the event of the request, which follows. Steps in the background stay."""

    def __init__(self) -> None:
        self._databases: OrderedDict[str, str] = OrderedDict()
        self._finished: OrderedDict[str, None] = OrderedDict()

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        request_id, name = event.get("request_id"), str(event.get("event"))
        if not isinstance(request_id, str):
            return event
        if name == REQUEST:
            self._finished[request_id] = None
            _limit(self._finished)
            if database := self._databases.pop(request_id, None):
                return {**event, "database": database}
        elif self._is_step(event, name) and request_id not in self._finished:
            self._databases[request_id] = str(event.get("database"))
            _limit(self._databases)
            raise structlog.DropEvent
        return event

    @staticmethod
    def _is_step(event: EventDict, name: str) -> bool:
        return name.startswith("database.") and event.get("level") in {"debug", "info"}


def _limit(entries: "OrderedDict[str, Any]") -> None:
    while len(entries) > MAX_REQUESTS:
        entries.popitem(last=False)


def create_renderer(console: Processor) -> Processor:
    """Return a renderer that writes short lines; `console` writes events with an exception."""

    def render(logger: WrappedLogger, method: str, event: EventDict) -> str:
        if "exc_info" in event or "exception" in event:
            return str(console(logger, method, event))
        line = _format_request(event) if event.get("event") == REQUEST else _format_event(event)
        return f"{datetime.now():%H:%M:%S} {line}{_format_request_id(event)}"  # noqa: DTZ005 - local time, for the person at the terminal

    return render


def _format_request(event: EventDict) -> str:
    """Return `created webshop 113 ms by anyone`, or `GET /v1/databases 200 1 ms by anyone`."""
    status, verbs = int(event["status"]), VERBS.get(event.get("action", ""))
    if verbs and status < 300 and "database" in event:
        what = f"{verbs[status == 202]} {_format_value(event['database'])}"
    else:
        what = f"{event['method']} {_format_value(event['path'])} {status}"
    by = f" by {_format_value(event['caller'])}" if "caller" in event else ""
    return f"{what} {event['ms']:.0f} ms{by}"


def _format_event(event: EventDict) -> str:
    """Return `database.deleted database=webshop id=db_1`, with the level of warnings and errors."""
    level = str(event.get("level", "info"))
    shown = "" if level in {"debug", "info"} else f"{level}: "
    fields = (f" {name}={_format_value(event[name])}" for name in event if name not in _HIDDEN)
    return f"{shown}{_format_value(event.get('event', ''))}{''.join(fields)}"


def _format_request_id(event: EventDict) -> str:
    return f" req={_format_value(event['request_id'])[:SHORT_ID]}" if "request_id" in event else ""


def _format_value(value: object) -> str:
    return escape_unprintable(value) if isinstance(value, str) else repr(value)
