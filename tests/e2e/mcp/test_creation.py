"""Agents create databases, and repeat what they have done."""

import pytest

from entrypoints.mcp.connections import REDACTED
from entrypoints.mcp.options import AgentOptions
from tests.support.agents import running_agent


async def test_a_repeated_call_returns_the_same_database() -> None:
    async with running_agent() as agent:
        call = {"nickname": "Web Shop", "labels": {"task": "7"}, "extensions": ["citext"]}
        first = await agent.call("create_database", **call)
        second = await agent.call("create_database", **call)

    assert (first["state"], first["database"]) == ("ready", "webshop")
    assert (first["labels"], first["extensions"]) == ({"task": "7"}, ["citext"])
    assert second["id"] == first["id"]


async def test_a_call_with_other_arguments_creates_another_database() -> None:
    async with running_agent() as agent:
        first = await agent.call("create_database", nickname="shop")
        second = await agent.call("create_database", nickname="shop", ttl="2h")

    assert second["id"] != first["id"]


async def test_after_the_database_is_gone_the_same_call_creates_another_one_each_time() -> None:
    ids = []
    async with running_agent() as agent:
        for _ in range(3):
            created = await agent.call("create_database", nickname="shop")
            repeated = await agent.call("create_database", nickname="shop")
            assert repeated["id"] == created["id"]
            ids.append(created["id"])
            assert agent.keyed
            assert agent.key
            await agent.key.ask("DELETE", f"/v1/databases/{created['id']}")
            agent.keyed.app.clock.passed += 1  # no two databases are created at the same time

    assert len(set(ids)) == 3


async def test_a_key_that_may_only_create_is_enough() -> None:
    async with running_agent(scopes=["create"]) as agent:
        assert (await agent.call("create_database", nickname="shop"))["state"] == "ready"


@pytest.mark.parametrize(("given", "seconds"), [({}, 3600), ({"ttl": "2h"}, 7200)])
async def test_every_database_of_an_agent_expires(given: dict[str, str], seconds: int) -> None:
    async with running_agent(AgentOptions(default_ttl="1h")) as agent:
        created = await agent.call("create_database", nickname="shop", **given)
        assert agent.keyed
        agent.keyed.app.clock.passed += seconds - 1
        await agent.keyed.admin.ask("POST", "/v1/reconciliations")
        before = await agent.call("get_database", name=created["id"])
        agent.keyed.app.clock.passed += 2
        await agent.keyed.admin.ask("POST", "/v1/reconciliations")
        after = await agent.call("get_database", name=created["id"])

    assert (before["state"], after["state"]) == ("ready", "expired")


async def test_a_copy_of_a_template_has_it_as_its_source() -> None:
    async with running_agent() as agent:
        assert agent.key
        source = await agent.call("create_database", nickname="seed")
        body = {"name": "shop", "from": source["id"]}
        template = (await agent.key.ask("POST", "/v1/templates", body)).body
        [listed] = (await agent.call("list_templates"))["templates"]
        copy = await agent.call("create_database", nickname="copy", template="shop")

    assert listed["id"] == copy["source"] == template["id"]


async def test_a_database_that_is_reused_keeps_its_expiry_and_its_labels() -> None:
    """The agent's lifetime must not delete what somebody meant to keep."""
    async with running_agent() as agent:
        assert agent.key
        body = {"nickname": "shop", "labels": {"keep": "yes"}}
        kept = (await agent.key.ask("POST", "/v1/databases", body)).body
        reused = await agent.call(
            "create_database", nickname="shop", ttl="1m", reuse=True, extensions=["citext"]
        )

    assert reused["id"] == kept["id"]
    assert (reused["expires_at"], reused["labels"]) == (None, {"keep": "yes"})
    assert reused["extensions"] == ["citext"]


async def test_reuse_creates_a_missing_database_and_restores_an_expired_one() -> None:
    async with running_agent() as agent:
        created = await agent.call("create_database", nickname="shop", reuse=True)
        await agent.expire_all()
        restored = await agent.call("create_database", nickname="shop", reuse=True)

    assert restored["id"] == created["id"]
    assert restored["state"] == "ready"


async def test_reuse_refuses_a_database_that_is_not_a_copy_of_the_template() -> None:
    async with running_agent() as agent:
        assert agent.key
        await agent.call("create_database", nickname="shop")
        await agent.key.ask("POST", "/v1/templates", {"name": "seed", "from": "shop"})
        problem = await agent.fail("create_database", nickname="shop", template="seed", reuse=True)

    assert (problem["code"], problem["retryable"]) == ("other_source", False)


async def test_an_admin_does_not_reuse_the_database_of_another_caller() -> None:
    async with running_agent(scopes=["admin"]) as agent:
        assert agent.keyed
        other = await (await agent.keyed.create_client("ann")).create_database("shop")
        own = await agent.call("create_database", nickname="shop", reuse=True)

    assert own["id"] != other["id"]
    assert own["caller"] == "agent"


async def test_no_result_of_a_creation_shows_the_password() -> None:
    async with running_agent() as agent:
        created = await agent.call("create_database", nickname="shop")
        reused = await agent.call("create_database", nickname="shop", reuse=True)
        shown = await agent.call(
            "get_connection", name="shop", format="json", include_password=True
        )

    password = shown["connection"]["password"]
    for result in (created, reused):
        assert result["connection"]["password"] == REDACTED
        assert password not in str(result)
        assert "steps" not in result
