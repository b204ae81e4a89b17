"""Schemas of the liveness and readiness checks."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field

from domain.server_snapshot import Concern
from entrypoints.http.api.schemas.fields import ResponseBody, is_none
from entrypoints.http.api.schemas.spares import SpareTotalsResponse
from ports.use_cases.guard_server import GuardState, GuardStatus


class LivenessResponse(ResponseBody):
    """The process is running."""

    status: str = "ok"


class Access(StrEnum):
    """The callers that the API accepts."""

    KEYS = "keys"  # callers with an API key
    OPEN = "open"  # anyone on this machine
    INSECURE = "insecure"  # anyone who reaches the service


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
    """The parts of the service with `ok` or the code of their error, the guard if there is one, and
    the spares if some are wanted and known. Only `checks` decide about `status`."""

    status: str
    checks: Mapping[str, str]
    access: Access
    guard: GuardResponse | None = Field(None, exclude_if=is_none)
    spares: SpareTotalsResponse | None = Field(None, exclude_if=is_none)
