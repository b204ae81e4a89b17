"""A caller that records all answers, and the life of a database in its steps."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp

from entrypoints.formats import FORMATS
from tests.support.leak_checks.secret_search import Canary, Net
from tests.support.polling import until
from tests.support.provision_requests import unique_name
from tests.support.service import RunningService

TTL = {"ttl": "1h"}

Trouble = Callable[[], AbstractAsyncContextManager[None]]
Age = Callable[[str], Awaitable[None]]
"""Expires a database."""


@dataclass(frozen=True)
class Answered:
    status: int
    body: Any


@dataclass(frozen=True)
class Asker:
    """A caller that records every answer."""

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
        """Send a request, and record the answer. `reveals` means that a successful answer may
        contain a password, which is searched for from then on."""
        bearer = {"Authorization": f"Bearer {self.key if key is None else key}"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.request(method, path, json=body, headers=bearer | given) as response:
            text = await response.read()
            is_json = response.ok and response.content_type == "application/json"
            answered = Answered(response.status, await response.json() if is_json else None)
            self._keep(f"{method} {path}", response, text, reveals=reveals and response.ok)
        if reveals and answered.body:
            self._learn(answered.body)
        return answered

    async def new_key(self, name: str) -> str:
        """Create a caller's key. Its answer is not recorded, because it contains the key."""
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


@asynccontextmanager
async def asking(net: Net, service: RunningService, key: str) -> AsyncIterator[Asker]:
    async with aiohttp.ClientSession(service.url) as client:
        yield Asker(net, client, key)


async def strangers(ask: Asker) -> None:
    """Send requests with invalid keys, which must not be logged either."""
    for key in (ask.net.marked("a wrong key"), "pgv_00000000_" + "0" * 64):
        for method, path in (
            ("POST", "/v1/databases"),
            ("GET", "/v1/audit-events"),
            ("GET", "/nowhere"),
        ):
            answered = await ask(method, path, key=key)
            assert answered.status in {401, 404}, answered
    await _malformed(ask)


async def _malformed(ask: Asker) -> None:
    """Send malformed HTTP that contains a key."""
    host, port = ask.client._base_url.host, ask.client._base_url.port  # type: ignore[union-attr]
    head = f"GET /v1/databases HTTP/1.1\r\nAuthorization: Bearer {ask.key}\r\n"
    for end in ("Host\x00: a\r\n\r\n", f"{ask.key}\r\n\r\n", f"X: {'x' * 20_000}\r\n\r\n"):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write((head + end).encode())
        ask.net.add("in the answer to malformed HTTP", await reader.read())
        writer.close()


async def youth(ask: Asker) -> Any:
    """Create a database, and show and change it in every way."""
    order, once = {"nickname": unique_name(), **TTL}, {"Idempotency_Key": unique_name()}
    made = (await ask("POST", "/v1/databases", order, reveals=True, **once)).body
    await ask("POST", "/v1/databases", order, reveals=True, **once)
    path = f"/v1/databases/{made['id']}"
    for form in FORMATS:
        shown = await ask("GET", f"{path}/connection?format={form}", reveals=True)
        assert shown.status == 200, shown
    await ask("GET", path)
    await ask("GET", f"{path}/events", Accept="text/event-stream")
    await ask("GET", "/v1/databases?page_size=200")
    assert (await ask("POST", f"{path}/rotate", reveals=True)).status == 200
    assert (await ask("PATCH", path, {"ttl": "2h", "labels": {"team": "a"}})).status == 200
    legacy = {"project": {"name": unique_name()}}
    assert (await ask("POST", "/api/create-neon-db", legacy, reveals=True)).status == 200
    return made


async def mistakes(ask: Asker) -> None:
    """Send invalid requests."""
    for body in ({"nickname": ""}, {"nickname": "a", "ttl": "x"}, {"key": ask.key}, ask.key):
        assert (await ask("POST", "/v1/databases", body)).status == 422
    await ask("POST", "/v1/databases", {"nickname": unique_name(), "extensions": ["no such"]})
    await ask("GET", "/v1/databases/db_unknown")
    await ask("GET", "/v1/databases?page_token=x")


async def hardship(ask: Asker, made: Any, trouble: Trouble) -> None:
    """Send requests while the provider or the registry fails."""
    async with trouble():
        path = f"/v1/databases/{made['id']}"
        answers = [
            await ask("POST", "/v1/databases", {"nickname": unique_name()}, reveals=True),
            await ask("POST", f"{path}/rotate", reveals=True),
            await ask("GET", f"{path}/connection", reveals=True),
            await ask("GET", "/readyz"),
            await ask("POST", "/v1/reconciliations", {}),
        ]
        assert any(answered.status >= 500 for answered in answers), answers
    await _again(ask, "POST", f"{path}/rotate")


async def age(ask: Asker, made: Any, let_time_pass: Age) -> None:
    """Expire the database, and restore it."""
    await let_time_pass(made["id"])
    await ask("POST", "/v1/reconciliations", {})
    await ask.comes_to(made, "expired")
    assert (await ask("GET", f"/v1/databases/{made['id']}/connection")).status == 409
    await _again(ask, "POST", f"/v1/databases/{made['id']}/restore")


async def killed_amid(ask: Asker, service: RunningService) -> None:
    """Kill the service while databases are created."""
    body = {"nickname": unique_name()}
    vends = [ask("POST", "/v1/databases", body, reveals=True) for _ in range(3)]
    vending = asyncio.gather(*vends, return_exceptions=True)
    await service.wrote("database.provisioning|http.request", since=len(service.output()))
    await service.kill()
    with suppress(aiohttp.ClientError):
        await vending


async def old_age(ask: Asker, made: Any) -> None:
    """Use the database under another secret, and delete it."""
    path = f"/v1/databases/{made['id']}"
    await ask("POST", "/v1/reconciliations", {})
    await _again(ask, "GET", f"{path}/connection")
    await _again(ask, "POST", f"{path}/rotate")
    for looked_at in (
        "/v1/audit-events",
        "/v1/keys",
        "/livez",
        "/readyz",
        "/metrics",
        "/openapi.json",
    ):
        await ask("GET", looked_at)
    listed = await ask("GET", "/v1/databases?page_size=200")
    for database in listed.body["databases"]:
        await ask("DELETE", f"/v1/databases/{database['id']}")
    await ask.comes_to(made, "deleted")


async def _again(ask: Asker, method: str, path: str) -> None:
    """Retry until the request succeeds, because a failure may take a moment to end."""
    for _ in range(100):
        answered = await ask(method, path, reveals=True)
        if answered.status == 200:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(answered)
