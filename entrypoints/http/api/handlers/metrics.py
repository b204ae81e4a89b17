"""Handler of `/metrics`."""

from aiohttp import hdrs, web

from entrypoints.http.api.context import BACKGROUND, MAINTENANCE, METRICS


async def show_metrics(request: web.Request) -> web.Response:
    return create_metrics_response(request.app, request)


def create_metrics_response(service: web.Application, request: web.Request) -> web.Response:
    """Return the metrics of the service as they are known, and order the next sample."""
    sample_metrics = service[MAINTENANCE].sample_metrics
    if sample_metrics.reserve():
        service[BACKGROUND].spawn(sample_metrics, "metrics")
    sample_metrics.update()
    accept = ", ".join(request.headers.getall(hdrs.ACCEPT, []))
    exposition = service[METRICS].render(accept)
    return web.Response(body=exposition.body, headers={hdrs.CONTENT_TYPE: exposition.content_type})
