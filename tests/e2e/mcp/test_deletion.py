"""Agents delete databases: with the nickname, after a question to the user where the client can
ask, and with the grace period behind it."""

from typing import Any

import pytest

from tests.support.agents import MODES, Agent, User, running_agent


async def pass_minute(agent: Agent) -> None:
    assert agent.keyed
    agent.keyed.app.clock.passed += 61
    await agent.keyed.admin.ask("POST", "/v1/reconciliations")


async def test_a_deleted_database_expires_and_can_be_restored() -> None:
    async with running_agent() as agent:
        await agent.call("create_database", nickname="shop", ttl="7d")
        await agent.call("delete_database", name="shop", confirm_nickname="shop")
        await pass_minute(agent)
        deleted = await agent.call("get_database", name="shop")
        restored = await agent.call("restore_database", name="shop")

    assert deleted["state"] == "expired"
    assert deleted["restorable_until"]
    assert restored["state"] == "ready"


async def test_a_repeated_deletion_asks_nothing_and_changes_nothing() -> None:
    user = User()
    async with running_agent(elicitation_callback=user) as agent:
        await agent.call("create_database", nickname="shop")
        await agent.call("delete_database", name="shop", confirm_nickname="shop")
        await pass_minute(agent)
        expired = await agent.call("get_database", name="shop")
        repeated = await agent.call("delete_database", name="shop", confirm_nickname="shop")

    assert repeated["restorable_until"] == expired["restorable_until"]
    assert len(user.questions) == 1


@pytest.mark.parametrize("nickname", ["", "SHOP", "other", "shop "])
async def test_another_nickname_deletes_nothing(nickname: str) -> None:
    user = User()
    async with running_agent(elicitation_callback=user) as agent:
        created = await agent.call("create_database", nickname="shop")
        problem = await agent.fail("delete_database", name=created["id"], confirm_nickname=nickname)
        record = await agent.call("get_database", name=created["id"])

    assert problem["code"] == "not_confirmed"
    assert record["expires_at"] == created["expires_at"]
    assert not user.questions


@pytest.mark.parametrize("mode", MODES)
async def test_a_client_that_can_asks_its_user(mode: str) -> None:
    user = User()
    async with running_agent(mode=mode, elicitation_callback=user) as agent:
        created = await agent.call("create_database", nickname="shop", ttl="7d")
        deleted = await agent.call("delete_database", name="shop", confirm_nickname="shop")

    [question] = user.questions
    assert "'shop'" in question
    assert created["id"] in question
    assert deleted["expires_at"] < created["expires_at"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "user", [User("decline"), User("cancel"), User(content={"confirm": False})]
)
async def test_a_user_who_does_not_agree_keeps_the_database(user: User, mode: str) -> None:
    async with running_agent(mode=mode, elicitation_callback=user) as agent:
        created = await agent.call("create_database", nickname="shop", ttl="7d")
        problem = await agent.fail("delete_database", name="shop", confirm_nickname="shop")
        record = await agent.call("get_database", name="shop")

    assert (problem["code"], problem["retryable"]) == ("declined", False)
    assert record["expires_at"] == created["expires_at"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("answer", [None, {}, {"confirm": "perhaps"}])
async def test_an_answer_that_is_not_the_forms_keeps_the_database(
    answer: dict[str, str | int | float | bool | list[str] | None] | None, mode: str
) -> None:
    user = User(content=answer)
    async with running_agent(mode=mode, elicitation_callback=user) as agent:
        created = await agent.call("create_database", nickname="shop", ttl="7d")
        problem = await agent.fail("delete_database", name="shop", confirm_nickname="shop")
        record = await agent.call("get_database", name="shop")

    assert problem["code"] == "declined"
    assert record["expires_at"] == created["expires_at"]


async def test_a_deletion_is_audited_as_a_change_of_the_expiry() -> None:
    async with running_agent() as agent:
        created: Any = await agent.call("create_database", nickname="shop")
        await agent.call("delete_database", name="shop", confirm_nickname="shop")
        assert agent.keyed
        events = await agent.keyed.list_audit_events()

    changes = [event for event in events if event["action"] == "changeDatabase"]
    assert [event["subject"] for event in changes] == [created["id"]]
