"""Authentication of callers, and the audit log."""

from dataclasses import asdict, replace
from urllib.parse import quote

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from domain.audit import DONE
from domain.errors import PgvendError
from domain.secrets import Secret
from entrypoints.http.api.authentication import logging_refusals, set_caller
from entrypoints.http.api.context import (
    AUDIT_EVENT,
    AUDIT_SUBJECT,
    AUTHENTICATED,
    CLIENT_ADDRESS,
    CREDENTIALS,
    USE_CASES,
)
from entrypoints.http.api.headers import format_rate_headers
from entrypoints.http.api.problems import CODES, HTTP_ERROR, INTERNAL_ERROR
from entrypoints.http.api.routes.route import Route
from entrypoints.http.api.routes.table import find_route
from ports.use_cases.authenticate_caller import Credentials

_SCHEME = "bearer "


@web.middleware
async def authenticate_caller(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Authenticate the caller and check that its key has the scope of the route."""
    route = find_route(request)
    if route is None or not route.needs_key:
        return await handler(request)
    request[CREDENTIALS] = _credentials_from_request(request, route)
    with logging_refusals(request):
        authenticated = await request.app[USE_CASES].access.authenticate(request[CREDENTIALS])
        set_caller(request, authenticated, route.name)
        if route.scope:
            authenticated.caller.check_scope(route.scope)
    return await handler(request)


@web.middleware
async def record_audit_events(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Record an audit event for each call of a known caller that changes something or
    reveals a secret.

    Refused calls of unknown or anonymous callers are only logged: strangers could otherwise fill
    the audit log.
    """
    route = find_route(request)
    if route is None or not route.is_audited:
        return await handler(request)
    outcome = INTERNAL_ERROR
    try:
        response = await handler(request)
        outcome = DONE
        return response
    except PgvendError as error:
        outcome = error.code
        raise
    except web.HTTPException as error:
        outcome = CODES.get(error.status, HTTP_ERROR)
        raise
    finally:
        authenticated = request.get(AUTHENTICATED)
        if authenticated and (outcome == DONE or not authenticated.caller.is_anonymous):
            await _append_audit_event(request, outcome)


async def add_rate_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add headers with the caller's remaining requests (draft-ietf-httpapi-ratelimit-headers)."""
    authenticated = request.get(AUTHENTICATED)
    if authenticated and (allowance := authenticated.allowance):
        rate = allowance.rate
        headers = format_rate_headers(
            rate.amount, rate.seconds, allowance.remaining, allowance.reset
        )
        for name, value in headers.items():  # an error may have set one for a quota
            response.headers[name] = ", ".join(filter(None, (response.headers.get(name), value)))


async def _append_audit_event(request: web.Request, outcome: str) -> None:
    """Append the call's audit event, unless a use case stored it. If that fails, log the event,
    because the call is done already."""
    pending = request[AUDIT_EVENT]
    if pending.is_stored:
        return
    subject = request.get(AUDIT_SUBJECT) or _subject_from_path(request)
    event = replace(pending.event, subject=subject, outcome=outcome)
    try:
        await request.app[USE_CASES].access.audit.record(event)
    except PgvendError as error:
        structlog.get_logger().error("audit.write_failed", error=error.code, **asdict(event))


def _subject_from_path(request: web.Request) -> str:
    """Return the id in the path, escaped so that any text is safe to display."""
    return quote(request.match_info.get("id", ""), errors="replace")[:63]


def _credentials_from_request(request: web.Request, route: Route) -> Credentials:
    return Credentials(
        key=_find_key(request),
        may_be_anonymous=route.may_be_anonymous and not _find_tokens(request),
        origin=request.headers.get("Origin"),
        address=request[CLIENT_ADDRESS],
    )


def _find_key(request: web.Request) -> Secret | None:
    """Return the bearer token; other credentials may be meant for a proxy and are ignored."""
    headers = request.headers.getall("Authorization", [])
    tokens = _find_tokens(request)
    return Secret(tokens[0]) if len(headers) == len(tokens) == 1 else None


def _find_tokens(request: web.Request) -> list[str]:
    headers = request.headers.getall("Authorization", [])
    return [header[len(_SCHEME) :].strip() for header in headers if _is_bearer(header)]


def _is_bearer(header: str) -> bool:
    """Return True also for a scheme without a token, where a key was clearly intended."""
    return f"{header.strip()} ".lower().startswith(_SCHEME)
