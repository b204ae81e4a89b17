"""Every call that the service answers: the application, the callers' scopes and the OpenAPI
document are made from this one table."""

from aiohttp import web

from entrypoints.http.access_routes import ACCESS_ROUTES
from entrypoints.http.audit_event_routes import AUDIT_EVENT_ROUTES
from entrypoints.http.database_routes import DATABASE_ROUTES
from entrypoints.http.extension_routes import EXTENSION_ROUTES
from entrypoints.http.route import Route
from entrypoints.http.service_routes import SERVICE_ROUTES

ROUTES: tuple[Route, ...] = (
    *DATABASE_ROUTES,
    *EXTENSION_ROUTES,
    *ACCESS_ROUTES,
    *AUDIT_EVENT_ROUTES,
    *SERVICE_ROUTES,
)

_BY_HANDLER = {route.handler: route for route in ROUTES}


def route_of(request: web.Request) -> Route | None:
    """None where nothing is at that address, or not with that method."""
    return _BY_HANDLER.get(request.match_info.handler)
