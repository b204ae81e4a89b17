"""Handlers of the liveness and readiness checks."""

import structlog
from aiohttp import web

from entrypoints.http.api.context import ACCESS, MAINTENANCE
from entrypoints.http.api.json_bodies import json_response
from entrypoints.http.api.schemas.health import (
    Access,
    GuardResponse,
    LivenessResponse,
    ReadinessResponse,
)
from entrypoints.http.api.schemas.spares import SpareTotalsResponse


def determine_access(*, is_open: bool, insecure: bool) -> Access:
    """Return who may call, given whether keys are set and `--insecure`."""
    if not is_open:
        return Access.KEYS
    if not insecure:
        return Access.OPEN
    structlog.get_logger().warning(
        "access.insecure",
        detail="anyone who reaches this service may create, read and delete every database",
        fix="set PGVEND_ADMIN_KEY or PGVEND_API_KEYS",
    )
    return Access.INSECURE


async def check_liveness(request: web.Request) -> web.Response:
    return json_response(LivenessResponse())


async def check_readiness(request: web.Request) -> web.Response:
    health = await request.app[MAINTENANCE].check_health()
    status = "ok" if health.is_ok else "unavailable"
    body = ReadinessResponse(
        status=status,
        checks=health.checks,
        access=request.app[ACCESS],
        guard=GuardResponse.from_domain(health.guard) if health.guard else None,
        spares=SpareTotalsResponse.from_domain(health.spares) if health.spares else None,
    )
    return json_response(body, status=200 if health.is_ok else 503)
