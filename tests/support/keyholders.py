"""A service with keys, and whoever holds one."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from domain.caller import Scope
from tests.support.apps import Answer, Headers, RunningApp, running_app

ADMIN_KEY = "the-admins-key-in-a-test"

USUAL = ("create", "read", "manage")


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@dataclass(frozen=True)
class Keyholder:
    """Somebody who shows a key with every request."""

    app: RunningApp
    key: str
    id: str = ""

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        return await self.app.ask(method, path, body, bearer(self.key) | headers)

    async def vend(self, nickname: str = "Sales", **headers: str) -> Any:
        made = await self.ask("POST", "/v1/databases", {"nickname": nickname}, **headers)
        assert made.status == 201, made.body
        return made.body

    async def list(self) -> set[str]:
        """The ids of what it sees."""
        listed = await self.ask("GET", "/v1/databases?page_size=200")
        assert listed.status == 200, listed.body
        return {database["id"] for database in listed.body["databases"]}


@dataclass(frozen=True)
class Guarded:
    """`admin` is who holds PGVEND_ADMIN_KEY."""

    app: RunningApp
    admin: Keyholder

    async def holder(
        self, name: str | None = None, scopes: Sequence[str | Scope] = USUAL, **more: Any
    ) -> Keyholder:
        """Somebody with a new key."""
        made = await self.admin.ask("POST", "/v1/keys", {"name": name, "scopes": [*scopes]} | more)
        assert made.status == 201, made.body
        return Keyholder(self.app, made.body["key"], made.body["id"])

    async def trail(self, query: str = "") -> list[dict[str, str]]:
        """What is written down, the newest first."""
        told = await self.admin.ask("GET", f"/v1/audit-events?page_size=200{query}")
        assert told.status == 200, told.body
        return list(told.body["audit_events"])

    async def ask(
        self, method: str, path: str, body: Any = None, headers: Headers | None = None
    ) -> Answer:
        """As somebody without a key."""
        return await self.app.ask(method, path, body, headers)


@asynccontextmanager
async def guarded_app(**settings: Any) -> AsyncIterator[Guarded]:
    async with running_app(**{"admin_key": ADMIN_KEY} | settings) as app:
        yield Guarded(app, Keyholder(app, ADMIN_KEY))
