"""A client of Neon's API that tries again as Neon's own command line does."""

import asyncio
from secrets import token_hex
from typing import Any

import aiohttp

from bench.emulator import NeonEmulator

TRIES, PAUSE = 5, 3.0
"""A request is sent up to five times, three seconds apart, while the project is locked."""

LOCKED = 423
POLL_INTERVAL = 0.1


class Refused(Exception):
    """The project was locked at each try."""


class NaiveNeonClient:
    """Creates a role and its database, without a queue."""

    def __init__(self, client: aiohttp.ClientSession, neon: NeonEmulator) -> None:
        project = neon.emulator.first
        self._client = client
        self._project = f"{neon.url}/projects/{project.id}"
        self._branch = f"{self._project}/branches/{project.branch.id}"
        self._headers = {"Authorization": f"Bearer {neon.emulator.key}"}

    async def create(self) -> bool:
        """Return whether the database exists then."""
        name = f"bench_{token_hex(8)}"
        try:
            await self._change("roles", {"role": {"name": name}})
            await self._change("databases", {"database": {"name": name, "owner_name": name}})
        except Refused:
            return False
        return True

    async def _change(self, kind: str, body: dict[str, Any]) -> None:
        """Raise Refused when the project stays locked."""
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(PAUSE)
            status, answer = await self._request("POST", f"{self._branch}/{kind}", json=body)
            if status != LOCKED:
                await self._wait(answer["operations"])
                return
        raise Refused

    async def _wait(self, operations: list[dict[str, Any]]) -> None:
        for operation in operations:
            path = f"{self._project}/operations/{operation['id']}"
            status = operation["status"]
            while status != "finished":
                await asyncio.sleep(POLL_INTERVAL)
                _, answer = await self._request("GET", path)
                status = answer["operation"]["status"]

    async def _request(self, method: str, url: str, **options: Any) -> tuple[int, Any]:
        async with self._client.request(method, url, headers=self._headers, **options) as answer:
            if answer.status != LOCKED:
                answer.raise_for_status()
            return answer.status, await answer.json()
