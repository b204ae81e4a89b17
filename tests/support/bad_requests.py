"""Invalid requests, and the check that they are explained and change nothing."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.apps import RunningApp, read_problem, running_app

V1 = "/v1/databases"
ONE = "/v1/databases/{id}"
LEGACY = "/api/create-neon-db"
KEYS = "/v1/keys"
JSON = (("Content-Type", "application/json"),)


@dataclass(frozen=True)
class BadRequest:
    """A request, and the problem that answers it; any code if `code` is empty."""

    body: bytes = b""
    status: int = 422
    code: str = "invalid_request"
    path: str = V1
    method: str = "POST"
    headers: Sequence[tuple[str, str]] = JSON
    detail: str = ""
    """Text that the detail must contain."""


def to_json(body: Any) -> bytes:
    return json.dumps(body).encode()


def create_body(nickname: Any = "fine", **more: Any) -> bytes:
    return to_json({"nickname": nickname, **more})


def build_malformed(
    body: bytes, path: str = V1, method: str = "POST", **headers: str
) -> BadRequest:
    return BadRequest(body, 400, "malformed_body", path, method, [*JSON, *headers.items()])


def build_content_type(content_type: str, method: str = "POST", path: str = V1) -> BadRequest:
    headers = [("Content-Type", content_type)]
    return BadRequest(create_body(), 415, "unsupported_media_type", path, method, headers)


async def check_bad_request(bad: BadRequest) -> None:
    """Send the request; check that the problem explains it and that nothing changed."""
    async with running_app(max_ttl="24h") as app:
        database = await app.create_database("there")
        before = await _read_everything(app)
        async with app.client.request(
            bad.method,
            bad.path.replace("{id}", database["id"]),
            data=bad.body or None,
            headers=[*bad.headers, ("Connection", "close")],
        ) as response:
            code = bad.code or (await response.json())["code"]
            problem = await read_problem(response, bad.status, code)

        assert problem["retryable"] is False
        assert len(problem["detail"]) < 1000
        assert problem["detail"].isprintable()
        assert bad.detail in problem["detail"]
        assert await _read_everything(app) == before
        assert app.accepts(database["connection"])


async def _read_everything(app: RunningApp) -> Any:
    return await app.get(V1), await app.get(KEYS), await app.provider.inventory()
