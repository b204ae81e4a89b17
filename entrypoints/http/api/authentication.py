"""The authenticated caller of a request, for handlers, the log and the audit log."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from aiohttp import web

from domain.audit import AuditEvent
from domain.errors import PgvendError
from entrypoints.http.api.context import (
    AUDIT_EVENT,
    AUTHENTICATED,
    CLIENT_ADDRESS,
    REQUEST_ID,
    USE_CASES,
)
from ports.use_cases.authenticate_caller import AuthenticatedCaller


def set_caller(request: web.Request, authenticated: AuthenticatedCaller, action: str) -> None:
    """Set the caller of the request, and prepare the audit event of its action, which a use case
    may store together with its change."""
    caller = authenticated.caller
    event = AuditEvent(
        caller=caller.name,
        key=caller.key,
        action=action,
        address=request[CLIENT_ADDRESS],
        request_id=request[REQUEST_ID],
    )
    request[AUTHENTICATED] = authenticated
    request[AUDIT_EVENT] = request.app[USE_CASES].access.audit.prepare(event)
    structlog.contextvars.bind_contextvars(caller=caller.name)


@contextmanager
def logging_refusals(request: web.Request) -> Iterator[None]:
    """Log an error of the body, which identifies the caller, with the address of the request."""
    try:
        yield
    except PgvendError as error:
        address = request[CLIENT_ADDRESS]
        structlog.get_logger().warning("auth.refused", error=error.code, address=address)
        raise
