"""A concise client of Neon's API for tests."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp

from entrypoints.neon_emulator.state.emulator import Emulator

PATIENCE = 60.0
"""Seconds; a safety limit that no test examines."""

OWNER = "neondb_owner"
"""The default role of new projects."""

ENDED = frozenset({"finished", "skipped", "error", "cancelled"})


@dataclass(frozen=True)
class Answer:
    """A response. `body` is parsed JSON, other text, or None if empty."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(repr=False)


class NeonClient:
    """A client of the emulator; `project` and `branch` are the paths of its first ones."""

    def __init__(self, session: aiohttp.ClientSession, url: str, emulator: Emulator) -> None:
        self._session = session
        self._url = url
        self._headers = {"Authorization": f"Bearer {emulator.key}"}
        self.project = f"/projects/{emulator.first.id}"
        self.branch = f"{self.project}/branches/{emulator.first.branch.id}"

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        **query: str,
    ) -> Answer:
        """Send a request; `path` is relative to the API and sent unchanged."""
        async with self._session.request(
            method,
            f"{self._url}{path}",
            json=body,
            params=query,
            headers=self._headers | dict(headers or {}),
        ) as response:
            text = await response.text()
            is_json = text and response.content_type == "application/json"
            parsed = await response.json() if is_json else text or None
            return Answer(response.status, parsed, response.headers)

    async def create_role(self, name: str, **more: Any) -> Answer:
        return await self.call("POST", f"{self.branch}/roles", {"role": {"name": name, **more}})

    async def create_database(self, name: str, owner: str) -> Answer:
        body = {"database": {"name": name, "owner_name": owner}}
        return await self.call("POST", f"{self.branch}/databases", body)

    async def create(self, kind: str, name: str) -> Answer:
        """Create a `role`, or a `database` of the default role."""
        if kind == "role":
            return await self.create_role(name)
        return await self.create_database(name, OWNER)

    async def delete(self, kind: str, name: str) -> Answer:
        return await self.call("DELETE", self.path(kind, name))

    async def delete_role(self, name: str) -> Answer:
        return await self.delete("role", name)

    async def delete_database(self, name: str) -> Answer:
        return await self.delete("database", name)

    async def reset_password(self, name: str) -> Answer:
        return await self.call("POST", f"{self.role(name)}/reset_password")

    async def create_project(self, **project: Any) -> Answer:
        return await self.call("POST", "/projects", {"project": project})

    async def uri(self, role: str, database: str) -> str:
        answer = await self.call(
            "GET", f"{self.project}/connection_uri", role_name=role, database_name=database
        )
        assert answer.status == 200, answer
        return str(answer.body["uri"])

    async def wait_until_ended(self, answer: Answer) -> list[Any]:
        """Wait until the operations of a response end. Return their final states."""
        assert answer.status < 300, answer
        return [await self._wait_until_ended(each) for each in answer.body["operations"]]

    async def wait_until_done(self, answer: Answer) -> Answer:
        """Wait until the operations of a response succeed. Return the response."""
        statuses = {operation["status"] for operation in await self.wait_until_ended(answer)}
        assert statuses <= {"finished"}, statuses
        return answer

    async def names(self, kind: str) -> frozenset[str]:
        """Return the names of the listed `roles` or `databases`."""
        answer = await self.call("GET", f"{self.branch}/{kind}")
        return frozenset(entry["name"] for entry in answer.body[kind])

    def path(self, kind: str, name: str) -> str:
        return f"{self.branch}/{kind}s/{quote(name, safe='')}"

    def role(self, name: str) -> str:
        return self.path("role", name)

    def database(self, name: str) -> str:
        return self.path("database", name)

    async def _wait_until_ended(self, operation: Any) -> Any:
        path = f"/projects/{operation['project_id']}/operations/{operation['id']}"
        async with asyncio.timeout(PATIENCE):
            while operation["status"] not in ENDED:
                await asyncio.sleep(0.01)
                operation = (await self.call("GET", path)).body["operation"]
        return operation
