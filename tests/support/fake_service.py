"""A service with prepared answers (bytes are sent unchanged), which records its requests."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from domain.connection import Connection
from entrypoints.http.api.schemas.connections import ConnectionResponse
from tests.support.command_line import CommandResult, run_command
from tests.support.connections import connection

DOMAIN_CONNECTION: Connection = connection(password='it\'s "odd"')

CONNECTION: dict[str, Any] = json.loads(
    ConnectionResponse.from_domain(DOMAIN_CONNECTION).model_dump_json()
)

RECORD: dict[str, Any] = {
    "id": "db_1",
    "nickname": "Sales 2024",
    "state": "ready",
    "provider": "memory",
    "target": "memory",
    "isolation": "none",
    "database": "sales2024",
    "owner": "user_sales2024",
    "caller": "ann",
    "labels": {"team": "a", "run": "1"},
    "created_at": "2026-01-02T03:04:05Z",
    "expires_at": None,
    "steps": [
        {"name": "provision", "state": "done", "at": "2026-01-02T03:04:06Z"},
        {"name": "delete", "state": "failed", "at": "2026-01-02T03:04:07Z", "error": "No luck."},
    ],
}

RECORD_WITH_CONNECTION = RECORD | {"connection": CONNECTION}

RECONCILE_RESULT = {
    "action": "delete",
    "id": "db_1",
    "database": "x",
    "outcome": "done",
    "detail": "",
}

KEY: dict[str, Any] = {
    "id": "pgv_00000000",
    "name": "web",
    "scopes": ["create", "read"],
    "quota": 3,
    "rate": "10/min",
    "origins": [],
    "created_at": "2026-01-02T03:04:05Z",
    "expires_at": None,
    "revoked_at": None,
}

EXTENSIONS = {"extensions": [{"name": "vector", "version": "0.8.6", "description": "vectors"}]}
RECORD_WITH_EXTENSION = RECORD | {"extensions": ["hstore", "vector"]}


@dataclass
class FakeService:
    url: str = ""
    status: int = 200
    statuses: dict[int, int] = field(default_factory=dict)
    """The status of single answers, by the number of the request, counted from 0."""
    answers: list[Any] = field(default_factory=list)
    answer_headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def run_pgvend(self, *arguments: str, **environment: str) -> CommandResult:
        return await run_command(*arguments, PGVEND_URL=self.url, **environment)

    async def answer(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read() or b"null")
        self.requests.append((request.method, request.raw_path, body))
        self.headers.append(dict(request.headers))
        status = self.statuses.get(len(self.requests) - 1, self.status)
        answer = self.answers.pop(0)
        if isinstance(answer, bytes):
            return web.Response(body=answer, status=status, content_type="application/json")
        return web.json_response(answer, status=status, headers=self.answer_headers)


@asynccontextmanager
async def fake_service(*answers: Any, status: int = 200) -> AsyncIterator[FakeService]:
    service = FakeService(status=status, answers=list(answers))
    site = web.Application()
    site.router.add_route("*", "/{anything:.*}", service.answer)
    async with TestServer(site) as server:
        service.url = str(server.make_url("/"))
        yield service
