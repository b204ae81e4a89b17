"""Handlers of `/v1/reconciliations`."""

import structlog
from aiohttp import web

from entrypoints.http.api.context import MAINTENANCE
from entrypoints.http.api.json_bodies import json_response, read_body
from entrypoints.http.api.schemas.reconciliations import (
    CreateReconciliationRequest,
    ReconciliationResponse,
)


async def reconcile(request: web.Request) -> web.Response:
    body = await read_body(CreateReconciliationRequest, request, optional=True)
    results = await request.app[MAINTENANCE].reconcile(dry_run=body.dry_run)
    for result in results:
        if result.crash:
            structlog.get_logger().error(
                f"reconcile.{result.action}", id=result.id, exc_info=result.crash
            )
    return json_response(ReconciliationResponse.from_domain(results))
