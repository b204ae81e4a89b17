"""A client that records all answers, and the steps of a database's life."""

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
    """A client that records every answer."""

    search: SecretSearch
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
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.request(method, path, json=body, headers=bearer | extra) as response:
            text = await response.read()
            is_json = response.ok and response.content_type == "application/json"
            answer = RecordedAnswer(response.status, await response.json() if is_json else None)
            self._record(f"{method} {path}", response, text, reveals=reveals and response.ok)
        if reveals and answer.body:
            self._record_password(answer.body)
        return answer

    async def create_key(self, name: str) -> str:
        """Create a caller's key."""
        body = {"name": name, "scopes": ["create", "read", "manage"]}
        key = str((await self._post("/v1/keys", body))["key"])
        self.search.marked_secrets.append(MarkedSecret("a caller's key", key))
        return key

    async def create_webhook(self) -> str:
        """Create a webhook whose receiver is refused, replace its secret, and return its id."""
        webhook = await self._post("/v1/webhooks", {"url": "https://127.0.0.1:9/hook"})
        rotated = await self._post(f"/v1/webhooks/{webhook['id']}/rotate", {})
        for answer in (webhook, rotated):
            secret = str(answer["secret"]).removeprefix("whsec_")
            self.search.marked_secrets.append(MarkedSecret("a webhook's secret", secret))
        return str(webhook["id"])

    async def _post(self, path: str, body: Any) -> Any:
        """Return the answer, which is not recorded, because it contains a secret."""
        bearer = {"Authorization": f"Bearer {self.key}"}
        async with self.client.post(path, json=body, headers=bearer) as response:
            assert response.ok, await response.text()
            return await response.json()

    def _record(
        self, request: str, response: aiohttp.ClientResponse, text: bytes, *, reveals: bool
    ) -> None:
        where = f"in the answer to {request} ({response.status})"
        self.search.add(f"{where}, in its head", str(response.raw_headers))
        (self.search.answers if reveals else self.search.texts).append((where, text))

    def _record_password(self, body: Mapping[str, Any]) -> None:
        connection = body.get("connection", body)
        password = connection.get("password") or body.get("database_owner_password")
        if password and password not in {
            marked_secret.text for marked_secret in self.search.database_passwords
        }:
            self.search.database_passwords.append(MarkedSecret("a database's password", password))

    async def wait_for_state(self, database: Mapping[str, Any], state: str) -> None:
        async def has_state() -> bool:
            answer = await self("GET", f"/v1/databases/{database['id']}")
            return answer.body is not None and answer.body["state"] == state

        await wait_until(has_state)


@asynccontextmanager
async def recording_client(
    search: SecretSearch, service: RunningService, key: str
) -> AsyncIterator[RecordingClient]:
    async with aiohttp.ClientSession(service.url) as client:
        yield RecordingClient(search, client, key)


async def send_invalid_keys(call_api: RecordingClient) -> None:
    """Send requests with invalid keys, which must not be logged either."""
    for key in (call_api.search.create_marked_secret("a wrong key"), "pgv_00000000_" + "0" * 64):
        for method, path in (
            ("POST", "/v1/databases"),
            ("GET", "/v1/audit-events"),
            ("GET", "/nowhere"),
        ):
            answer = await call_api(method, path, key=key)
            assert answer.status in {401, 404}, answer
    await _send_malformed_requests(call_api)


async def _send_malformed_requests(call_api: RecordingClient) -> None:
    """Send malformed HTTP that contains a key."""
    host, port = call_api.client._base_url.host, call_api.client._base_url.port  # type: ignore[union-attr]
    head = f"GET /v1/databases HTTP/1.1\r\nAuthorization: Bearer {call_api.key}\r\n"
    for end in ("Host\x00: a\r\n\r\n", f"{call_api.key}\r\n\r\n", f"X: {'x' * 20_000}\r\n\r\n"):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write((head + end).encode())
        call_api.search.add("in the answer to malformed HTTP", await reader.read())
        writer.close()


async def use_database(call_api: RecordingClient) -> Any:
    """Create a database, and show and change it in every way."""
    body, idempotency = {"nickname": unique_name(), **TTL}, {"Idempotency_Key": unique_name()}
    created = (await call_api("POST", "/v1/databases", body, reveals=True, **idempotency)).body
    await call_api("POST", "/v1/databases", body, reveals=True, **idempotency)
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


async def use_webhook(call_api: RecordingClient) -> None:
    """Create a webhook, whose deliveries fail."""
    webhook_id = await call_api.create_webhook()
    assert (await call_api("POST", f"/v1/webhooks/{webhook_id}/test")).status == 502
    await call_api("GET", "/v1/webhooks")


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
        assert any(answer.status >= 500 for answer in answers), answers
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
    creations = [call_api("POST", "/v1/databases", body, reveals=True) for _ in range(3)]
    results = asyncio.gather(*creations, return_exceptions=True)
    await service.wait_for_output("database.provisioning|http.request", since=len(service.output()))
    await service.kill()
    with suppress(aiohttp.ClientError):
        await results


async def use_after_secret_change(call_api: RecordingClient, created: Any) -> None:
    """Use the database under another secret, and delete it."""
    path = f"/v1/databases/{created['id']}"
    await call_api("POST", "/v1/reconciliations", {})
    await _retry(call_api, "GET", f"{path}/connection")
    await _retry(call_api, "POST", f"{path}/rotate")
    for path_to_read in (
        "/v1/audit-events",
        "/v1/keys",
        "/livez",
        "/readyz",
        "/metrics",
        "/openapi.json",
    ):
        await call_api("GET", path_to_read)
    listed = await call_api("GET", "/v1/databases?page_size=200")
    for database in listed.body["databases"]:
        await call_api("DELETE", f"/v1/databases/{database['id']}")
    await call_api.wait_for_state(created, "deleted")


async def _retry(call_api: RecordingClient, method: str, path: str) -> None:
    """Retry until the request succeeds, because a failure may take a moment to end."""
    for _ in range(100):
        answer = await call_api(method, path, reveals=True)
        if answer.status == 200:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(answer)
