"""Is the process alive, and would it answer?"""

from collections.abc import Mapping
from enum import StrEnum

import structlog
from aiohttp import web
from pydantic import BaseModel

from entrypoints.http.bodies import json_response
from entrypoints.http.keys import USE_CASES


class AliveOut(BaseModel):
    status: str = "ok"


class Access(StrEnum):
    """Who may ask."""

    KEYS = "keys"  # whoever has one
    OPEN = "open"  # everybody on this machine
    INSECURE = "insecure"  # everybody


ACCESS = web.AppKey("access", Access)


class HealthOut(BaseModel):
    """Each part by name, with `ok` or the code of its error."""

    status: str
    checks: Mapping[str, str]
    access: Access


def access(*, is_open: bool, insecure: bool) -> Access:
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
    return json_response(AliveOut())


async def readyz(request: web.Request) -> web.Response:
    health = await request.app[USE_CASES].check_health()
    status = "ok" if health.is_ok else "unavailable"
    body = HealthOut(status=status, checks=health.checks, access=request.app[ACCESS])
    return json_response(body, status=200 if health.is_ok else 503)
