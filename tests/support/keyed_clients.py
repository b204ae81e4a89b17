"""A service with API keys, and clients with one."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from domain.callers import Scope
from tests.support.apps import Answer, Headers, RunningApp, running_app

ADMIN_KEY = "the-admins-key-in-a-test"

DEFAULT_SCOPES = ("create", "read", "manage")


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@dataclass(frozen=True)
class KeyedClient:
    """A client that sends its API key with every request."""

    app: RunningApp
    key: str
    id: str = ""

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        return await self.app.ask(method, path, body, bearer(self.key) | headers)

    async def create_database(self, nickname: str = "Sales", **headers: str) -> Any:
        answer = await self.ask("POST", "/v1/databases", {"nickname": nickname}, **headers)
        assert answer.status == 201, answer.body
        return answer.body

    async def list_databases(self) -> set[str]:
        """Return the ids of the databases that it sees."""
        answer = await self.ask("GET", "/v1/databases?page_size=200")
        assert answer.status == 200, answer.body
        return {database["id"] for database in answer.body["databases"]}


@dataclass(frozen=True)
class KeyedApp:
    """A service with API keys; `admin` is the client with PGVEND_ADMIN_KEY."""

    app: RunningApp
    admin: KeyedClient

    async def create_client(
        self, name: str | None = None, scopes: Sequence[str | Scope] = DEFAULT_SCOPES, **more: Any
    ) -> KeyedClient:
        """Create an API key, and return a client with it."""
        answer = await self.admin.ask(
            "POST", "/v1/keys", {"name": name, "scopes": [*scopes]} | more
        )
        assert answer.status == 201, answer.body
        return KeyedClient(self.app, answer.body["key"], answer.body["id"])

    async def list_audit_events(self, query: str = "") -> list[dict[str, str]]:
        """Return the audit events, newest first."""
        answer = await self.admin.ask("GET", f"/v1/audit-events?page_size=200{query}")
        assert answer.status == 200, answer.body
        return list(answer.body["audit_events"])

    async def ask(
        self, method: str, path: str, body: Any = None, headers: Headers | None = None
    ) -> Answer:
        """Send a request without an API key."""
        return await self.app.ask(method, path, body, headers)


@asynccontextmanager
async def running_keyed_app(**settings: Any) -> AsyncIterator[KeyedApp]:
    async with running_app(**{"admin_key": ADMIN_KEY} | settings) as app:
        yield KeyedApp(app, KeyedClient(app, ADMIN_KEY))
