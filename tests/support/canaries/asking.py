"""A caller who keeps all that it is answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.support.canaries.net import Canary, Net
from tests.support.polling import until

JSON = "application/json"


@dataclass(frozen=True)
class Answered:
    status: int
    body: Any


@dataclass(frozen=True)
class Asker:
    net: Net
    client: aiohttp.ClientSession
    key: str

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        reveals: bool = False,
        **headers: str,
    ) -> Answered:
        """`reveals` says that the answer, if it is no error, may hold a password, as it is meant
        to; that one is a canary from then on."""
        bearer = {"Authorization": f"Bearer {self.key if key is None else key}"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.request(method, path, json=body, headers=bearer | given) as response:
            text = await response.read()
            is_json = response.ok and response.content_type == JSON
            answered = Answered(response.status, await response.json() if is_json else None)
            self._keep(f"{method} {path}", response, text, reveals=reveals and response.ok)
        if reveals and answered.body:
            self._learn(answered.body)
        return answered

    async def new_key(self, name: str) -> str:
        """A key that was made for callers. The answer is not kept: it is there for the key."""
        body = {"name": name, "scopes": ["create", "read", "manage"]}
        bearer = {"Authorization": f"Bearer {self.key}"}
        async with self.client.post("/v1/keys", json=body, headers=bearer) as response:
            assert response.status == 201, await response.text()
            key = str((await response.json())["key"])
        self.net.canaries.append(Canary("a caller's key", key))
        return key

    def _keep(
        self, asked: str, response: aiohttp.ClientResponse, text: bytes, *, reveals: bool
    ) -> None:
        where = f"in the answer to {asked} ({response.status})"
        self.net.add(f"{where}, in its head", str(response.raw_headers))
        (self.net.answers if reveals else self.net.haul).append((where, text))

    def _learn(self, body: Mapping[str, Any]) -> None:
        connection = body.get("connection", body)
        password = connection.get("password") or body.get("database_owner_password")
        if password and password not in {canary.text for canary in self.net.told}:
            self.net.told.append(Canary("a database's password", password))

    async def comes_to(self, database: Mapping[str, Any], state: str) -> None:
        async def has_come() -> bool:
            answered = await self("GET", f"/v1/databases/{database['id']}")
            return answered.body is not None and answered.body["state"] == state

        await until(has_come)
