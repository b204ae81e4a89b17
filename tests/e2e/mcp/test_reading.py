"""Agents find databases, and get connections without passwords unless they ask for them."""

from typing import Any
from urllib.parse import urlsplit

from mcp import Client

from entrypoints.formats import FORMATS
from entrypoints.mcp.connections import REDACTED
from entrypoints.mcp.options import AgentOptions
from entrypoints.mcp.server import create_server
from tests.support.agents import Agent, running_agent
from tests.support.fake_service import fake_service


async def test_databases_are_found_by_label_nickname_and_state() -> None:
    async with running_agent() as agent:
        one = await agent.call("create_database", nickname="one", labels={"task": "7"})
        two = await agent.call("create_database", nickname="two", labels={"task": "8"})
        await agent.call("delete_database", name=two["id"], confirm_nickname="two")
        assert agent.keyed
        agent.keyed.app.clock.passed += 61
        await agent.keyed.admin.ask("POST", "/v1/reconciliations")
        filters: list[dict[str, Any]] = [
            {"labels": {"task": "7"}},
            {"nickname": "one"},
            {"states": ["ready"]},
        ]
        found = [await agent.call("list_databases", **each) for each in filters]
        everything = await agent.call("list_databases")

    assert [[each["id"] for each in page["databases"]] for page in found] == [[one["id"]]] * 3
    assert {each["id"] for each in everything["databases"]} == {one["id"], two["id"]}
    assert "steps" not in everything["databases"][0]


async def test_a_long_list_has_pages() -> None:
    page = {"databases": [], "next_page_token": "t 2"}
    async with (
        fake_service(page, {"scopes": ["read"]}, page) as service,
        Client(create_server(urlsplit(service.url), None, AgentOptions())) as client,
    ):
        first = await Agent(client).call("list_databases")
        await Agent(client).call("list_databases", page_token=first["next_page_token"])

    paths = [path for _, path, _ in service.requests if "whoami" not in path]
    assert paths == [f"/v1/databases?page_size=50{more}" for more in ("", "&page_token=t+2")]


async def test_a_record_has_its_history() -> None:
    async with running_agent() as agent:
        await agent.call("create_database", nickname="Web Shop")
        by_nickname = await agent.call("get_database", name="Web Shop")
        by_name = await agent.call("get_database", name="webshop")

    assert by_nickname == by_name
    assert [step["name"] for step in by_name["steps"]] == ["provision", "verify"]


async def test_a_connection_shows_the_password_only_if_it_is_asked_for() -> None:
    async with running_agent() as agent:
        await agent.call("create_database", nickname="shop")
        call = {"name": "shop", "format": "json"}
        members = (await agent.call("get_connection", **call, include_password=True))["connection"]
        for form in FORMATS.keys() - {"psql"}:  # which has no password
            call["format"] = form
            redacted = await agent.call("get_connection", **call)
            revealed = await agent.call("get_connection", **call, include_password=True)
            assert (redacted["format"], redacted["password_included"]) == (form, False)
            assert REDACTED in str(redacted["connection"])
            assert members["password"] not in str(redacted)
            assert members["password"] in str(revealed["connection"])

    assert agent.keyed
    assert agent.keyed.app.accepts(members)


async def test_each_reading_of_a_connection_is_audited() -> None:
    async with running_agent() as agent:
        created = await agent.call("create_database", nickname="shop")
        await agent.call("get_connection", name="shop")
        assert agent.keyed
        events = await agent.keyed.list_audit_events()

    shown = [event for event in events if event["action"] == "showConnection"]
    assert [(event["caller"], event["subject"]) for event in shown] == [("agent", created["id"])]


async def test_a_read_only_server_reveals_no_password() -> None:
    """It could be used to change the database."""
    async with running_agent(AgentOptions(is_read_only=True)) as agent:
        assert agent.key
        await agent.key.create_database("shop")
        shown = await agent.call("get_connection", name="shop")
        problem = await agent.fail("get_connection", name="shop", include_password=True)

    assert REDACTED in shown["connection"]
    assert (problem["code"], problem["retryable"]) == ("read_only", False)


async def test_extensions_are_listed() -> None:
    async with running_agent() as agent:
        listed = await agent.call("list_extensions")

    assert {"citext", "hstore"} <= {each["name"] for each in listed["extensions"]}
