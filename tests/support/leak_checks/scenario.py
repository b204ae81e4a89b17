"""A caller that records all answers, and the life of a database in its steps."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp

from entrypoints.formats import FORMATS
from tests.support.leak_checks.secret_search import MarkedSecret, SecretSearch
from tests.support.polling import wait_until
from tests.support.provision_requests import unique_name
from tests.support.service import RunningService

TTL = {"ttl": "1h"}

Failure = Callable[[], AbstractAsyncContextManager[None]]
Expire = Callable[[str], Awaitable[None]]
"""Expires a database."""


@dataclass(frozen=True)
class RecordedAnswer:
    status: int
    body: Any


@dataclass(frozen=True)
class RecordingClient:
    """A caller that records every answer."""

    net: SecretSearch
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
    ) -> RecordedAnswer:
        """Send a request, and record the answer. `reveals` means that a successful answer may
        contain a password, which is searched for from then on."""
        bearer = {"Authorization": f"Bearer {self.key if key is None else key}"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.request(method, path, json=body, headers=bearer | given) as response:
            text = await response.read()
            is_json = response.ok and response.content_type == "application/json"
            answered = RecordedAnswer(response.status, await response.json() if is_json else None)
            self._record(f"{method} {path}", response, text, reveals=reveals and response.ok)
        if reveals and answered.body:
            self._record_password(answered.body)
        return answered

    async def new_key(self, name: str) -> str:
        """Create a caller's key. Its answer is not recorded, because it contains the key."""
        body = {"name": name, "scopes": ["create", "read", "manage"]}
        bearer = {"Authorization": f"Bearer {self.key}"}
        async with self.client.post("/v1/keys", json=body, headers=bearer) as response:
            assert response.status == 201, await response.text()
            key = str((await response.json())["key"])
        self.net.marked_secrets.append(MarkedSecret("a caller's key", key))
        return key

    def _record(
        self, asked: str, response: aiohttp.ClientResponse, text: bytes, *, reveals: bool
    ) -> None:
        where = f"in the answer to {asked} ({response.status})"
        self.net.add(f"{where}, in its head", str(response.raw_headers))
        (self.net.answers if reveals else self.net.texts).append((where, text))

    def _record_password(self, body: Mapping[str, Any]) -> None:
        connection = body.get("connection", body)
        password = connection.get("password") or body.get("database_owner_password")
        if password and password not in {
            marked_secret.text for marked_secret in self.net.database_passwords
        }:
            self.net.database_passwords.append(MarkedSecret("a database's password", password))

    async def wait_for_state(self, database: Mapping[str, Any], state: str) -> None:
        async def has_state() -> bool:
            answered = await self("GET", f"/v1/databases/{database['id']}")
            return answered.body is not None and answered.body["state"] == state

        await wait_until(has_state)


@asynccontextmanager
async def recording_client(
    net: SecretSearch, service: RunningService, key: str
) -> AsyncIterator[RecordingClient]:
    async with aiohttp.ClientSession(service.url) as client:
        yield RecordingClient(net, client, key)


async def send_invalid_keys(call_api: RecordingClient) -> None:
    """Send requests with invalid keys, which must not be logged either."""
    for key in (call_api.net.create_marked_secret("a wrong key"), "pgv_00000000_" + "0" * 64):
        for method, path in (
            ("POST", "/v1/databases"),
            ("GET", "/v1/audit-events"),
            ("GET", "/nowhere"),
        ):
            answered = await call_api(method, path, key=key)
            assert answered.status in {401, 404}, answered
    await _malformed(call_api)


async def _malformed(call_api: RecordingClient) -> None:
    """Send malformed HTTP that contains a key."""
    host, port = call_api.client._base_url.host, call_api.client._base_url.port  # type: ignore[union-attr]
    head = f"GET /v1/databases HTTP/1.1\r\nAuthorization: Bearer {call_api.key}\r\n"
    for end in ("Host\x00: a\r\n\r\n", f"{call_api.key}\r\n\r\n", f"X: {'x' * 20_000}\r\n\r\n"):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write((head + end).encode())
        call_api.net.add("in the answer to malformed HTTP", await reader.read())
        writer.close()


async def use_database(call_api: RecordingClient) -> Any:
    """Create a database, and show and change it in every way."""
    order, once = {"nickname": unique_name(), **TTL}, {"Idempotency_Key": unique_name()}
    created = (await call_api("POST", "/v1/databases", order, reveals=True, **once)).body
    await call_api("POST", "/v1/databases", order, reveals=True, **once)
    path = f"/v1/databases/{created['id']}"
    for form in FORMATS:
        shown = await call_api("GET", f"{path}/connection?format={form}", reveals=True)
        assert shown.status == 200, shown
    await call_api("GET", path)
    await call_api("GET", f"{path}/events", Accept="text/event-stream")
    await call_api("GET", "/v1/databases?page_size=200")
    assert (await call_api("POST", f"{path}/rotate", reveals=True)).status == 200
    assert (await call_api("PATCH", path, {"ttl": "2h", "labels": {"team": "a"}})).status == 200
    legacy = {"project": {"name": unique_name()}}
    assert (await call_api("POST", "/api/create-neon-db", legacy, reveals=True)).status == 200
    return created


async def send_invalid_requests(call_api: RecordingClient) -> None:
    """Send invalid requests."""
    for body in (
        {"nickname": ""},
        {"nickname": "a", "ttl": "x"},
        {"key": call_api.key},
        call_api.key,
    ):
        assert (await call_api("POST", "/v1/databases", body)).status == 422
    await call_api("POST", "/v1/databases", {"nickname": unique_name(), "extensions": ["no such"]})
    await call_api("GET", "/v1/databases/db_unknown")
    await call_api("GET", "/v1/databases?page_token=x")


async def use_during_failure(call_api: RecordingClient, created: Any, failure: Failure) -> None:
    """Send requests while the provider or the registry fails."""
    async with failure():
        path = f"/v1/databases/{created['id']}"
        answers = [
            await call_api("POST", "/v1/databases", {"nickname": unique_name()}, reveals=True),
            await call_api("POST", f"{path}/rotate", reveals=True),
            await call_api("GET", f"{path}/connection", reveals=True),
            await call_api("GET", "/readyz"),
            await call_api("POST", "/v1/reconciliations", {}),
        ]
        assert any(answered.status >= 500 for answered in answers), answers
    await _retry(call_api, "POST", f"{path}/rotate")


async def expire_and_restore(
    call_api: RecordingClient, created: Any, let_time_pass: Expire
) -> None:
    """Expire the database, and restore it."""
    await let_time_pass(created["id"])
    await call_api("POST", "/v1/reconciliations", {})
    await call_api.wait_for_state(created, "expired")
    assert (await call_api("GET", f"/v1/databases/{created['id']}/connection")).status == 409
    await _retry(call_api, "POST", f"/v1/databases/{created['id']}/restore")


async def kill_during_creation(call_api: RecordingClient, service: RunningService) -> None:
    """Kill the service while databases are created."""
    body = {"nickname": unique_name()}
    vends = [call_api("POST", "/v1/databases", body, reveals=True) for _ in range(3)]
    vending = asyncio.gather(*vends, return_exceptions=True)
    await service.wait_for_output("database.provisioning|http.request", since=len(service.output()))
    await service.kill()
    with suppress(aiohttp.ClientError):
        await vending


async def use_after_secret_change(call_api: RecordingClient, created: Any) -> None:
    """Use the database under another secret, and delete it."""
    path = f"/v1/databases/{created['id']}"
    await call_api("POST", "/v1/reconciliations", {})
    await _retry(call_api, "GET", f"{path}/connection")
    await _retry(call_api, "POST", f"{path}/rotate")
    for looked_at in (
        "/v1/audit-events",
        "/v1/keys",
        "/livez",
        "/readyz",
        "/metrics",
        "/openapi.json",
    ):
        await call_api("GET", looked_at)
    listed = await call_api("GET", "/v1/databases?page_size=200")
    for database in listed.body["databases"]:
        await call_api("DELETE", f"/v1/databases/{database['id']}")
    await call_api.wait_for_state(created, "deleted")


async def _retry(call_api: RecordingClient, method: str, path: str) -> None:
    """Retry until the request succeeds, because a failure may take a moment to end."""
    for _ in range(100):
        answered = await call_api(method, path, reveals=True)
        if answered.status == 200:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(answered)
