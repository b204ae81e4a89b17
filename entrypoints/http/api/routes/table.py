"""The table of all routes; the application, the scopes and the OpenAPI document derive from it."""

from aiohttp import web

from entrypoints.http.api.routes.access import ACCESS_ROUTES
from entrypoints.http.api.routes.api_keys import API_KEY_ROUTES
from entrypoints.http.api.routes.audit_events import AUDIT_EVENT_ROUTES
from entrypoints.http.api.routes.database_actions import DATABASE_ACTION_ROUTES
from entrypoints.http.api.routes.databases import DATABASE_ROUTES
from entrypoints.http.api.routes.events import EVENT_ROUTES
from entrypoints.http.api.routes.extensions import EXTENSION_ROUTES
from entrypoints.http.api.routes.pages import PAGE_ROUTES
from entrypoints.http.api.routes.route import Route
from entrypoints.http.api.routes.service import SERVICE_ROUTES
from entrypoints.http.api.routes.templates import TEMPLATE_ROUTES
from entrypoints.http.api.routes.webhooks import WEBHOOK_ROUTES

ROUTES: tuple[Route, ...] = (
    *DATABASE_ROUTES,
    *DATABASE_ACTION_ROUTES,
    *EVENT_ROUTES,
    *TEMPLATE_ROUTES,
    *WEBHOOK_ROUTES,
    *EXTENSION_ROUTES,
    *API_KEY_ROUTES,
    *ACCESS_ROUTES,
    *AUDIT_EVENT_ROUTES,
    *SERVICE_ROUTES,
    *PAGE_ROUTES,
)

_BY_HANDLER = {route.handler: route for route in ROUTES}


def find_route(request: web.Request) -> Route | None:
    """Return the route of a request, None if the address or the method is unknown."""
    return _BY_HANDLER.get(request.match_info.handler)
