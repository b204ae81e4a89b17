"""Agents extend and restore databases, and rotate passwords."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from mcp import Client

from entrypoints.mcp.connections import REDACTED
from entrypoints.mcp.options import AgentOptions
from entrypoints.mcp.server import create_server
from tests.support.agents import Agent, running_agent
from tests.support.fake_service import fake_service


async def reveal(agent: Agent) -> Any:
    shown = await agent.call("get_connection", name="shop", format="json", include_password=True)
    return shown["connection"]


async def test_a_database_is_extended_from_now_on() -> None:
    async with running_agent() as agent:
        created = await agent.call("create_database", nickname="shop", ttl="1h")
        extended = await agent.call("extend_database", name="shop", ttl="7d")

    longer = datetime.fromisoformat(extended["expires_at"]) - datetime.fromisoformat(
        created["expires_at"]
    )
    assert longer == timedelta(days=7, hours=-1)


@pytest.mark.parametrize("lifetime", ["7d", None])
async def test_a_lifetime_is_never_shortened(lifetime: str | None) -> None:
    """A short one would delete the database."""
    async with running_agent() as agent:
        assert agent.key
        body = {"nickname": "shop", "ttl": lifetime}
        created = (await agent.key.ask("POST", "/v1/databases", body)).body
        extended = await agent.call("extend_database", name="shop", ttl="1m")

    assert extended["expires_at"] == created["expires_at"]


async def test_an_expiry_that_somebody_else_sets_meanwhile_is_not_overwritten() -> None:
    """It may be later."""
    record = {"id": "db_1", "expires_at": "2026-01-02T03:04:05Z"}
    async with (
        fake_service(record, record, {"scopes": []}) as service,
        Client(create_server(urlsplit(service.url), None, AgentOptions())) as client,
    ):
        service.answer_headers["ETag"] = '"7"'
        await client.call_tool("extend_database", {"name": "shop", "ttl": "365d"})

    assert service.requests[1] == ("PATCH", "/v1/databases/db_1", {"ttl": "365d"})
    assert service.headers[1]["If-Match"] == '"7"'


async def test_an_expired_database_is_restored_with_its_password() -> None:
    async with running_agent() as agent:
        await agent.call("create_database", nickname="shop")
        before = await reveal(agent)
        await agent.expire_all()
        restored = await agent.call("restore_database", name="shop", ttl="2h")
        after = await reveal(agent)

    assert restored["state"] == "ready"
    assert restored["connection"]["password"] == REDACTED
    assert after == before
    assert agent.keyed
    assert agent.keyed.app.accepts(after)


async def test_restoring_a_database_that_is_ready_changes_nothing() -> None:
    async with running_agent() as agent:
        created = await agent.call("create_database", nickname="shop", ttl="7d")
        restored = await agent.call("restore_database", name="shop", ttl="1m")

    assert restored["expires_at"] == created["expires_at"]
    assert restored["connection"] == created["connection"]


async def test_a_deleted_database_cannot_be_restored() -> None:
    async with running_agent() as agent:
        assert agent.key
        created = await agent.call("create_database", nickname="shop")
        await agent.key.ask("DELETE", f"/v1/databases/{created['id']}")
        problem = await agent.fail("restore_database", name=created["id"])

    assert problem["code"] == "illegal_state"


async def test_a_rotated_password_is_not_shown_and_the_old_one_stops_working() -> None:
    async with running_agent() as agent:
        await agent.call("create_database", nickname="shop")
        old = await reveal(agent)
        rotated = await agent.call("rotate_password", name="shop", end_sessions=True)
        new = await reveal(agent)

    assert rotated["connection"]["password"] == REDACTED
    assert rotated["sessions_ended"] is True
    assert agent.keyed
    assert agent.keyed.app.accepts(new)
    assert not agent.keyed.app.accepts(old)
