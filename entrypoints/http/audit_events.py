"""Handlers of `/v1/audit-events`."""

from aiohttp import web

from entrypoints.http.audit_event_schemas import AuditEventPageResponse
from entrypoints.http.bodies import json_response
from entrypoints.http.keys import USE_CASES
from entrypoints.http.queries import page_size
from ports.driving.audit import AuditRequest


async def list_audit_events(request: web.Request) -> web.Response:
    query = request.query
    page = await request.app[USE_CASES].audit.read(
        AuditRequest(
            caller=query.get("caller"),
            subject=query.get("subject"),
            page_token=query.get("page_token", ""),
            page_size=page_size(request),
        )
    )
    return json_response(AuditEventPageResponse.of(page))
