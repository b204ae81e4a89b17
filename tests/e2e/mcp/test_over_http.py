"""The MCP server over HTTP: each request has its own key, and can go to another replica."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from entrypoints.mcp.http import MAX_BODY, PATH, HttpOptions, create_app
from tests.support.agents import (
    MODES,
    Agent,
    User,
    create_agent_server,
    running_service_for_agents,
)
from tests.support.keyed_clients import KeyedApp, bearer

ADDRESS = "http://127.0.0.1:8001"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


class Replicas(httpx2.AsyncBaseTransport):
    """Sends each request to the next of several servers."""

    def __init__(self, replicas: list[httpx2.AsyncBaseTransport]) -> None:
        self._replicas = replicas
        self._count = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._count += 1
        replica = self._replicas[self._count % len(self._replicas)]
        return await replica.handle_async_request(request)


@asynccontextmanager
async def serving_mcp(
    keyed: KeyedApp, *, replicas: int = 1, **options: Any
) -> AsyncIterator[httpx2.AsyncBaseTransport]:
    """Serve as `pgvend mcp --http` does, without sockets."""
    async with AsyncExitStack() as stack:
        transports: list[httpx2.AsyncBaseTransport] = []
        for _ in range(replicas):
            place = HttpOptions(**options)
            server = create_agent_server(keyed, None, serves_others=place.serves_others)
            app = create_app(server, place)
            await stack.enter_async_context(app.router.lifespan_context(app))
            transports.append(httpx2.ASGITransport(app))
        yield Replicas(transports)


@asynccontextmanager
async def connecting(
    transport: httpx2.AsyncBaseTransport, key: str | None, **client: Any
) -> AsyncIterator[Agent]:
    headers = bearer(key) if key else {}
    async with (
        httpx2.AsyncClient(transport=transport, headers=headers) as http,
        Client(streamable_http_client(f"{ADDRESS}{PATH}", http_client=http), **client) as connected,
    ):
        yield Agent(connected)


async def post(transport: httpx2.AsyncBaseTransport, **headers: str) -> httpx2.Response:
    """Send the first request of a client; `headers` have underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx2.AsyncClient(transport=transport) as http:
        return await http.post(f"{ADDRESS}{PATH}", json=INITIALIZE, headers=ACCEPT | named)


async def get(transport: httpx2.AsyncBaseTransport) -> httpx2.Response:
    """Ask for a stream of messages from the server."""
    async with httpx2.AsyncClient(transport=transport) as http:
        return await http.get(f"{ADDRESS}{PATH}", headers={"Accept": "text/event-stream"})


@pytest.mark.parametrize("mode", MODES)
async def test_any_replica_answers_any_request(mode: str) -> None:
    async with running_service_for_agents() as keyed, serving_mcp(keyed, replicas=2) as mcp:
        key = await keyed.create_client("agent")
        async with connecting(mcp, key.key, mode=mode) as agent:
            assert "create_database" in await agent.list_tools()
            created = await agent.call("create_database", nickname="shop")
            found = await agent.call("get_database", name="shop")

    assert found["id"] == created["id"]


async def test_the_answer_of_a_user_can_go_to_another_replica_than_the_question() -> None:
    user = User()
    async with running_service_for_agents() as keyed, serving_mcp(keyed, replicas=2) as mcp:
        key = await keyed.create_client("agent")
        async with connecting(mcp, key.key, elicitation_callback=user) as agent:
            created = await agent.call("create_database", nickname="shop", ttl="7d")
            deleted = await agent.call("delete_database", name="shop", confirm_nickname="shop")

    assert len(user.questions) == 1
    assert deleted["expires_at"] < created["expires_at"]


async def test_a_client_without_a_way_to_be_asked_deletes_by_the_nickname() -> None:
    """With the protocol that has a handshake, a server without sessions cannot ask."""
    user = User("decline")
    async with running_service_for_agents() as keyed, serving_mcp(keyed) as mcp:
        key = await keyed.create_client("agent")
        async with connecting(mcp, key.key, mode="legacy", elicitation_callback=user) as agent:
            created = await agent.call("create_database", nickname="shop", ttl="7d")
            deleted = await agent.call("delete_database", name="shop", confirm_nickname="shop")

    assert not user.questions
    assert deleted["expires_at"] < created["expires_at"]


async def test_each_caller_sees_its_own_databases() -> None:
    async with running_service_for_agents() as keyed, serving_mcp(keyed) as mcp:
        ann, bob = [await keyed.create_client(name) for name in ("ann", "bob")]
        async with connecting(mcp, ann.key) as agent:
            await agent.call("create_database", nickname="shop")
        async with connecting(mcp, bob.key) as agent:
            listed = await agent.call("list_databases")
            problem = await agent.fail("get_connection", name="shop", include_password=True)

    assert listed["databases"] == []
    assert problem["code"] == "database_not_found"


@pytest.mark.parametrize("mode", MODES)
async def test_a_request_without_a_key_has_none(mode: str) -> None:
    """Neither that of the server's settings, nor that of the caller before."""
    async with running_service_for_agents() as keyed, serving_mcp(keyed) as mcp:
        key = await keyed.create_client("agent")
        async with connecting(mcp, key.key, mode=mode) as agent:
            await agent.call("list_databases")
        async with connecting(mcp, None, mode=mode) as stranger:
            problem = await stranger.fail("list_databases")
            with pytest.raises(MCPError, match="Authorization: Bearer"):
                await stranger.list_tools()

    assert problem["code"] == "unauthenticated"


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        (["Basic YTpi"], "unauthenticated"),
        (["Bearer"], "unauthenticated"),
        (["Bearer wrong"], "key_refused"),
        (["Bearer wrong", "Bearer wrong"], "unauthenticated"),
    ],
)
async def test_other_credentials_are_refused(credentials: list[str], code: str) -> None:
    headers = [*ACCEPT.items(), *(("Authorization", each) for each in credentials)]
    call = {"name": "list_databases", "arguments": {}}
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    async with (
        running_service_for_agents() as keyed,
        serving_mcp(keyed) as mcp,
        httpx2.AsyncClient(transport=mcp, headers=headers) as http,
    ):
        answer = await http.post(f"{ADDRESS}{PATH}", json=request)

    assert f'\\"code\\": \\"{code}\\"' in answer.text


@pytest.mark.parametrize(
    ("place", "is_served"),
    [
        ({}, True),
        ({"allowed_hosts": ("mcp.example",)}, False),
        ({"host": "192.0.2.7"}, False),
    ],
)
@pytest.mark.parametrize("key", [None, "wrong"])
async def test_callers_elsewhere_cannot_use_a_service_without_keys(
    place: dict[str, Any], is_served: bool, key: str | None
) -> None:
    """The service would take them for callers on its own machine."""
    async with (
        running_service_for_agents(admin_key=None) as keyed,
        serving_mcp(keyed, **place) as mcp,
        connecting(mcp, key) as agent,
    ):
        if is_served:
            await agent.call("create_database", nickname="shop")
        else:
            problem = await agent.fail("create_database", nickname="shop")
            assert (problem["code"], problem["retryable"]) == ("unauthenticated", False)
            assert "PGVEND_ADMIN_KEY" in problem["detail"]


async def test_callers_elsewhere_use_a_service_with_their_keys() -> None:
    async with (
        running_service_for_agents() as keyed,
        serving_mcp(keyed, allowed_hosts=("mcp.example",)) as mcp,
    ):
        key = await keyed.create_client("agent")
        async with connecting(mcp, key.key) as agent:
            created = await agent.call("create_database", nickname="shop")

    assert created["caller"] == "agent"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "127.0.0.1:8001"}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": "mcp.example"}, 421),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_foreign_names_and_pages_are_refused(headers: dict[str, str], status: int) -> None:
    async with running_service_for_agents() as keyed, serving_mcp(keyed) as mcp:
        assert (await post(mcp, **headers)).status_code == status


@pytest.mark.parametrize("name", ["mcp.example", "[fd00::1]:8443", "192.0.2.7"])
async def test_names_of_the_server_are_allowed(name: str) -> None:
    names = ("mcp.example", "fd00::1")
    async with (
        running_service_for_agents() as keyed,
        serving_mcp(keyed, host="192.0.2.7", allowed_hosts=names) as mcp,
    ):
        answer = await post(mcp, Host=name, Origin=f"https://{name}")

    assert answer.status_code == 200


async def test_there_is_no_session_and_no_stream_of_one() -> None:
    async with running_service_for_agents() as keyed, serving_mcp(keyed) as mcp:
        answer = await post(mcp)
        stream = await get(mcp)
        large = await post(mcp, Padding="x", Content_Length=str(MAX_BODY + 1))

    assert answer.status_code == 200
    assert "mcp-session-id" not in answer.headers
    assert (stream.status_code, stream.headers["allow"]) == (405, "POST")
    assert large.status_code == 413
