"""The application at the address of its own for metrics, which needs no key."""

from aiohttp import web

from entrypoints.http.api.handlers.metrics import create_metrics_response
from entrypoints.http.api.problems import render_problems
from entrypoints.http.middleware.request_log import add_request_id_header, assign_request_id
from entrypoints.http.middleware.security_headers import add_security_headers


def build_metrics_app(service: web.Application) -> web.Application:
    """Build an application with the metrics of the service, which has to run."""

    async def show_metrics(request: web.Request) -> web.Response:
        return create_metrics_response(service, request)

    app = web.Application(middlewares=[assign_request_id, render_problems])
    app.router.add_get("/metrics", show_metrics)
    app.on_response_prepare.append(add_request_id_header)
    app.on_response_prepare.append(add_security_headers)
    return app
