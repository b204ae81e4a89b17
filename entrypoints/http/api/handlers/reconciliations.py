"""Handlers of `/v1/reconciliations`."""

import structlog
from aiohttp import web

from entrypoints.http.api.context import USE_CASES
from entrypoints.http.api.json_bodies import json_response, read_body
from entrypoints.http.api.schemas.reconciliations import (
    CreateReconciliationRequest,
    ReconcileResultResponse,
    ReconciliationResponse,
)


async def reconcile(request: web.Request) -> web.Response:
    body = await read_body(CreateReconciliationRequest, request, optional=True)
    results = await request.app[USE_CASES].reconcile(dry_run=body.dry_run)
    for failed in (result for result in results if result.crash):
        structlog.get_logger().error(
            f"reconcile.{failed.action}", id=failed.id, exc_info=failed.crash
        )
    answers = [ReconcileResultResponse.from_domain(result) for result in results]
    return json_response(ReconciliationResponse(results=answers))
