"""A fake of Neon's API without a socket: prepared responses and recorded requests."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aioresponses import CallbackResult, aioresponses
from yarl import URL

from adapters.neon.api_models import Operation
from adapters.neon.branch import NeonBranch
from adapters.neon.budget import AMPLE, BURST, Budget
from adapters.neon.client import Client, open_client
from adapters.neon.operations import Change, OperationWaiter
from adapters.neon.pace import Pace
from domain.secrets import Secret
from tests.support.clock import FakeClock

API = "https://neon.example/api/v2"
KEY = "napi_thekeythatmuststaysecret"
PROJECT = "/projects/quiet-sea-1"
BRANCH = f"{PROJECT}/branches/br-quiet-sea-1"
MOMENT = "2026-01-02T03:04:05Z"


class _Response(aiohttp.ClientResponse):
    """A response with an argument that newer versions of aiohttp require."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*args, **kwargs)


class HttpMock(aioresponses):
    def add(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("response_class", _Response)
        super().add(*args, **kwargs)


@dataclass(frozen=True)
class Wire:
    """A client whose HTTP is mocked. Paths are relative to the API's base, as they are sent."""

    http: HttpMock
    client: Client
    clock: FakeClock

    @property
    def branch(self) -> NeonBranch:
        return NeonBranch(self.client, "quiet-sea-1", "br-quiet-sea-1", self.waiter())

    def waiter(self, pace: Pace | None = None) -> OperationWaiter:
        return OperationWaiter(self.client, "quiet-sea-1", self.clock, pace or Pace())

    def respond(self, method: str, path: str, **answer: Any) -> None:
        """Prepare the next response with aioresponses' arguments: payload, status, exception..."""
        self.http.add(_build_url(path), method=method, **answer)

    def respond_always(self, method: str, path: str, body: Callable[[], Any]) -> None:
        """Prepare a response that `body` computes for each request."""

        def reply(_: URL, **__: Any) -> CallbackResult:
            return CallbackResult(payload=body(), response_class=_Response)

        self.http.add(_build_url(path), method=method, callback=reply, repeat=True)

    def end_operation_after(
        self, seconds: float, operation_id: str, action: str = "apply_config"
    ) -> None:
        """Answer that the operation is running, and finished when so much time has passed."""
        begin = self.clock.elapsed()

        def body() -> Any:
            is_done = self.clock.elapsed() - begin >= seconds
            status, took = ("finished", seconds) if is_done else ("running", 0.0)
            more = {"id": operation_id, "action": action, "total_duration_ms": round(took * 1000)}
            return {"operation": operation(status, **more)}

        self.respond_always("GET", f"{PROJECT}/operations/{operation_id}", body)

    def list_requests(self, method: str | None = None) -> list[dict[str, Any]]:
        """Return the arguments of each request."""
        return [
            call.kwargs
            for (sent_method, _), calls in self.http.requests.items()
            for call in calls
            if method in {None, sent_method}
        ]

    def count(self, method: str, path: str) -> int:
        return len(self.http.requests.get((method, _build_url(path)), []))


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with _open_wire(BURST) as wire:
        yield wire


@pytest.fixture
async def scarce_wire() -> AsyncIterator[Wire]:
    """A client whose budget of requests is never ample."""
    async with _open_wire(AMPLE - 1) as wire:
        yield wire


@asynccontextmanager
async def _open_wire(burst: int) -> AsyncIterator[Wire]:
    clock, http = FakeClock(), HttpMock()
    with http:
        budget = Budget(clock, burst=burst)
        async with open_client(API, Secret(KEY), budget, clock) as client:
            yield Wire(http, client, clock)


def operation(status: str = "running", **more: Any) -> dict[str, Any]:
    return {"id": "op-1", "action": "apply_config", "status": status, "failures_count": 0, **more}


def change_of(purpose: str, *operations: Any) -> Change:
    return Change(purpose, [Operation.model_validate(each) for each in operations])


def role(name: str = "user_ana", **more: Any) -> dict[str, Any]:
    return {"name": name, "created_at": MOMENT, "updated_at": MOMENT, **more}


def database(name: str, owner: str, number: int = 1) -> dict[str, Any]:
    """Return a database; a higher number, up to 59, is younger."""
    created_at = f"2026-01-02T03:04:{number:02}Z"
    return {"id": number, "name": name, "owner_name": owner, "created_at": created_at}


def project(project_id: str, name: str, created_at: str = MOMENT) -> dict[str, Any]:
    return {"id": project_id, "name": name, "created_at": created_at}


def problem(message: str = "", code: str = "", **more: Any) -> dict[str, Any]:
    return {"message": message, "code": code, **more}


def _build_url(path: str) -> URL:
    return URL(API + path, encoded=True)
