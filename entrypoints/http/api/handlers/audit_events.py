"""Handlers of `/v1/audit-events`."""

from aiohttp import web

from entrypoints.http.api.context import USE_CASES
from entrypoints.http.api.json_bodies import json_response
from entrypoints.http.api.query_values import parse_page_size
from entrypoints.http.api.schemas.audit_events import AuditEventPageResponse
from ports.use_cases.audit_events import AuditRequest


async def list_audit_events(request: web.Request) -> web.Response:
    query = request.query
    page = await request.app[USE_CASES].access.audit.read(
        AuditRequest(
            caller=query.get("caller"),
            subject=query.get("subject"),
            page_token=query.get("page_token", ""),
            page_size=parse_page_size(request),
        )
    )
    return json_response(AuditEventPageResponse.from_domain(page))
