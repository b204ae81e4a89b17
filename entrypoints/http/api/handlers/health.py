"""Handlers of the liveness and readiness checks."""

from collections.abc import Mapping
from enum import StrEnum

import structlog
from aiohttp import web
from pydantic import Field

from domain.server_snapshot import Concern
from entrypoints.http.api.context import USE_CASES
from entrypoints.http.api.json_bodies import json_response
from entrypoints.http.api.schemas.fields import ResponseBody, is_none
from ports.use_cases.guard_server import GuardState, GuardStatus


class LivenessResponse(ResponseBody):
    """The process is running."""

    status: str = "ok"


class Access(StrEnum):
    """Who may call the API."""

    KEYS = "keys"  # callers with an API key
    OPEN = "open"  # anyone on this machine
    INSECURE = "insecure"  # anyone who reaches the service


ACCESS = web.AppKey("access", Access)


class GuardResponse(ResponseBody):
    """The guard, which ends tenants' transactions that hold up the server.

    Counts are since the service started; the other figures are from the latest check, where known.
    """

    state: GuardState
    concerns: list[Concern]
    ended_sessions: int
    rolled_back_transactions: int
    oldest_transaction_id_age: int | None = Field(None, exclude_if=is_none)
    free_connections: int | None = Field(None, exclude_if=is_none)
    free_disk_bytes: int | None = Field(None, exclude_if=is_none)

    @classmethod
    def from_domain(cls, status: GuardStatus) -> "GuardResponse":
        return cls(
            state=status.state,
            concerns=list(status.concerns),
            ended_sessions=status.ended_sessions,
            rolled_back_transactions=status.rolled_back,
            oldest_transaction_id_age=status.oldest_age,
            free_connections=status.connections.free if status.connections else None,
            free_disk_bytes=status.disk.free if status.disk else None,
        )


class ReadinessResponse(ResponseBody):
    """The parts of the service with `ok` or the code of their error, and the guard if there is
    one."""

    status: str
    checks: Mapping[str, str]
    access: Access
    guard: GuardResponse | None = Field(None, exclude_if=is_none)


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
    health = await request.app[USE_CASES].check_health()
    status = "ok" if health.is_ok else "unavailable"
    body = ReadinessResponse(
        status=status,
        checks=health.checks,
        access=request.app[ACCESS],
        guard=GuardResponse.from_domain(health.guard) if health.guard else None,
    )
    return json_response(body, status=200 if health.is_ok else 503)
