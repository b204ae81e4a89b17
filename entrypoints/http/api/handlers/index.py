"""Handlers of `/` and of the files of the console: a page for browsers, links for programs."""

from importlib.metadata import version

from aiohttp import web

from entrypoints.console.pages import asset_response, console_response
from entrypoints.formats import FORMATS, prefers_html
from entrypoints.http.api.json_bodies import json_response
from entrypoints.http.api.schemas.index import IndexResponse

LINKS = {
    "console": "/",
    "databases": "/v1/databases",
    "events": "/v1/events",
    "templates": "/v1/templates",
    "webhooks": "/v1/webhooks",
    "extensions": "/v1/extensions",
    "keys": "/v1/keys",
    "audit_events": "/v1/audit-events",
    "whoami": "/v1/whoami",
    "key_exchange": "/v1/key-exchange",
    "openapi": "/openapi.json",
    "documentation": "/docs",
    "guide": "/llms.txt",
    "health": "/readyz",
}

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""The console's Content-Security-Policy: nothing from other origins, nothing inline."""


async def show_index(request: web.Request) -> web.Response:
    accept = ", ".join(request.headers.getall("Accept", []))
    if prefers_html(accept):
        response = _add_policy(console_response(request))
    else:
        response = json_response(_create_index())
    response.headers["Vary"] = "Accept"
    return response


async def show_asset(request: web.Request) -> web.Response:
    return _add_policy(asset_response(request, request.match_info["asset"]))


def _create_index() -> IndexResponse:
    return IndexResponse(
        name="pgvend", version=version("pgvend"), links=LINKS, formats=list(FORMATS)
    )


def _add_policy(response: web.Response) -> web.Response:
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response
