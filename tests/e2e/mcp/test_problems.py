"""What goes wrong is a result with a code, from which an agent can choose what to do."""

from urllib.parse import urlsplit

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import RequestParamsMeta

from entrypoints.mcp.catalog import TOOLS
from entrypoints.mcp.options import AgentOptions
from entrypoints.mcp.server import create_server
from tests.support.agents import (
    Agent,
    create_agent_server,
    running_agent,
    running_service_for_agents,
)
from tests.support.apps import reserved_port
from tests.support.fake_service import fake_service

MISTAKES: tuple[tuple[str, dict[str, object], str], ...] = (
    ("get_database", {"name": "nothing"}, "database_not_found"),
    ("get_database", {"name": ".."}, "database_not_found"),
    ("get_connection", {"name": "shop", "format": "xml"}, "invalid_request"),
    ("create_database", {"nickname": "!"}, "invalid_nickname"),
    ("create_database", {"nickname": "a", "ttl": "soon"}, "invalid_duration"),
    ("create_database", {"nickname": "a", "template": "none"}, "template_not_found"),
    ("extend_database", {"name": "shop", "ttl": "soon"}, "invalid_duration"),
    ("create_database", {}, "invalid_arguments"),
    ("create_database", {"nickname": "a", "lables": {}}, "invalid_arguments"),
    ("create_database", {"nickname": "a", "labels": ["b"]}, "invalid_arguments"),
)


async def test_a_mistake_has_a_code_and_is_not_retryable() -> None:
    async with running_agent() as agent:
        await agent.call("create_database", nickname="shop")
        for tool, arguments, code in MISTAKES:
            problem = await agent.fail(tool, **arguments)
            assert (problem["code"], problem["retryable"]) == (code, False), arguments


async def test_a_mistake_does_not_repeat_the_values_of_arguments() -> None:
    async with running_agent() as agent:
        problem = await agent.fail("create_database", nickname="a", password="hunter2")

    assert problem["detail"].startswith("password: ")
    assert "hunter2" not in str(problem)


async def test_a_problem_of_the_service_names_its_request() -> None:
    async with running_agent() as agent:
        problem = await agent.fail("get_database", name="nothing")

    assert problem["request_id"]


async def test_a_rate_limit_says_when_to_try_again() -> None:
    async with running_service_for_agents() as keyed:
        key = await keyed.create_client("agent", rate="1/min")
        async with Client(create_agent_server(keyed, key.key)) as client:
            agent = Agent(client)
            await agent.call("list_databases")
            problem = await agent.fail("list_databases")

    assert (problem["code"], problem["retryable"]) == ("rate_limited", True)
    assert problem["retry_after"] > 0


async def test_a_service_that_is_not_reachable_is_a_retryable_problem() -> None:
    with reserved_port() as port:
        server = create_server(urlsplit(f"http://127.0.0.1:{port}"), None, AgentOptions())
        async with Client(server) as client:
            problem = await Agent(client).fail("list_databases")

    assert (problem["code"], problem["retryable"]) == ("unreachable", True)
    assert f"127.0.0.1:{port}" in problem["detail"]


async def test_while_the_service_is_not_reachable_all_tools_are_listed() -> None:
    """Clients list them once, at their start, perhaps before the service's."""
    with reserved_port() as port:
        url = urlsplit(f"http://127.0.0.1:{port}")
        async with Client(create_server(url, None, AgentOptions(allows_deletion=True))) as client:
            assert len(await Agent(client).list_tools()) == len(TOOLS)


@pytest.mark.parametrize(
    ("answer", "code"), [(b"<html>", "not_pgvend"), ({"a": 1}, "internal_error")]
)
async def test_another_answer_than_that_of_pgvend_is_not_shown(answer: object, code: str) -> None:
    async with (
        fake_service(answer) as service,
        Client(create_server(urlsplit(service.url), None, AgentOptions())) as client,
    ):
        problem = await Agent(client).fail("list_databases")

    assert (problem["code"], problem["retryable"]) == (code, False)


@pytest.mark.parametrize(("status", "retryable"), [(302, False), (500, False), (502, True)])
async def test_a_proxy_that_answers_instead_of_pgvend_is_a_problem(
    status: int, retryable: bool
) -> None:
    async with (
        fake_service({"databases": [], "next_page_token": ""}, status=status) as service,
        Client(create_server(urlsplit(service.url), None, AgentOptions())) as client,
    ):
        problem = await Agent(client).fail("list_databases")

    assert (problem["code"], problem["retryable"]) == ("not_pgvend", retryable)


@pytest.mark.parametrize("key", [None, "pgv_00000000_wrong", "wrong"])
async def test_without_a_valid_key_the_list_of_tools_says_what_is_missing(key: str | None) -> None:
    async with (
        running_service_for_agents() as keyed,
        Client(create_agent_server(keyed, key)) as client,
    ):
        with pytest.raises(MCPError, match=r"API key") as raised:
            await client.list_tools()
        problem = await Agent(client).fail("list_databases")

    assert raised.value.error.data["code"] == problem["code"]
    assert problem["code"] in {"unauthenticated", "key_refused"}


async def test_a_tool_that_the_server_does_not_have_is_unknown() -> None:
    async with running_agent(AgentOptions()) as agent:
        for name in ("delete_database", "drop_everything"):
            with pytest.raises(MCPError, match="Unknown tool"):
                await agent.client.call_tool(name, {})


async def test_an_agent_sees_the_tools_of_its_scopes_and_the_service_checks_each_call() -> None:
    async with running_agent(scopes=["read"]) as agent:
        tools = await agent.list_tools()
        problem = await agent.fail("create_database", nickname="shop")

    assert "create_database" not in tools
    assert "list_databases" in tools
    assert (problem["code"], problem["retryable"]) == ("forbidden", False)


async def test_a_redirect_is_not_followed() -> None:
    """It could send the key elsewhere."""
    async with (
        fake_service({"a": 1}, status=307) as service,
        Client(create_server(urlsplit(service.url), None, AgentOptions())) as client,
    ):
        service.answer_headers["Location"] = f"{service.url}elsewhere"
        await Agent(client).fail("list_extensions")

    assert len(service.requests) == 1


async def test_a_call_continues_the_trace_of_its_client() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with (
        fake_service({"extensions": []}, {"scopes": ["read"]}) as service,
        Client(create_server(urlsplit(service.url), None, AgentOptions())) as client,
    ):
        meta: RequestParamsMeta = {"traceparent": trace}  # type: ignore[typeddict-unknown-key]
        await client.call_tool("list_extensions", meta=meta)

    assert service.headers[0]["traceparent"] == trace


async def test_the_instructions_name_the_default_lifetime() -> None:
    async with running_agent(AgentOptions(default_ttl="3h")) as agent:
        assert "3h" in str(agent.client.instructions)
