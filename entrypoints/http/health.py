"""Is the process alive, and would it answer?"""

from collections.abc import Mapping
from enum import StrEnum

import structlog
from aiohttp import web
from pydantic import Field

from domain.guarding import Concern
from entrypoints.http.bodies import json_response
from entrypoints.http.keys import USE_CASES
from entrypoints.http.schema_fields import ResponseBody, is_none
from ports.driving.guard_server import GuardState, GuardStatus


class LivenessResponse(ResponseBody):
    status: str = "ok"


class Access(StrEnum):
    """Who may ask."""

    KEYS = "keys"  # whoever has one
    OPEN = "open"  # everybody on this machine
    INSECURE = "insecure"  # everybody


ACCESS = web.AppKey("access", Access)


class GuardResponse(ResponseBody):
    """What ends tenants' transactions that hold up the server, and what it watches: counts since
    the service started, and the figures of its last look, where it knows them."""

    state: GuardState
    concerns: list[Concern]
    ended_sessions: int
    rolled_back_transactions: int
    oldest_transaction_id_age: int | None = Field(None, exclude_if=is_none)
    free_connections: int | None = Field(None, exclude_if=is_none)
    free_disk_bytes: int | None = Field(None, exclude_if=is_none)

    @classmethod
    def of(cls, status: GuardStatus) -> "GuardResponse":
        return cls(
            state=status.state,
            concerns=list(status.concerns),
            ended_sessions=status.ended_sessions,
            rolled_back_transactions=status.rolled_back,
            oldest_transaction_id_age=status.oldest_age,
            free_connections=status.places.free if status.places else None,
            free_disk_bytes=status.disk.free if status.disk else None,
        )


class ReadinessResponse(ResponseBody):
    """Each part by name, with `ok` or the code of its error; and the guard of the server, where
    there is one."""

    status: str
    checks: Mapping[str, str]
    access: Access
    guard: GuardResponse | None = Field(None, exclude_if=is_none)


def determine_access(*, is_open: bool, insecure: bool) -> Access:
    """What comes of the keys in the settings, and of `--insecure`."""
    if not is_open:
        return Access.KEYS
    if not insecure:
        return Access.OPEN
    structlog.get_logger().warning(
        "access.insecure",
        detail="anybody who reaches this service may make, read and drop every database",
        mend="set PGVEND_ADMIN_KEY or PGVEND_API_KEYS",
    )
    return Access.INSECURE


async def livez(request: web.Request) -> web.Response:
    return json_response(LivenessResponse())


async def readyz(request: web.Request) -> web.Response:
    health = await request.app[USE_CASES].check_health()
    status = "ok" if health.is_ok else "unavailable"
    body = ReadinessResponse(
        status=status,
        checks=health.checks,
        access=request.app[ACCESS],
        guard=GuardResponse.of(health.guard) if health.guard else None,
    )
    return json_response(body, status=200 if health.is_ok else 503)
