"""`pgvend mcp` in a process of its own: a whole session of an agent, over both transports."""

import asyncio
import signal
import socket

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from tests.support.agents import Agent, User
from tests.support.command_line import PGVEND, plain_environment, run_command, run_program
from tests.support.keyed_clients import ADMIN_KEY, bearer
from tests.support.mcp_process import PATIENCE, serving_mcp
from tests.support.postgres_under_test import session
from tests.support.provision_requests import unique_name
from tests.support.servers import ram_folder
from tests.support.service import RunningService, running_service


async def live_through_session(agent: Agent, user: User) -> None:
    """Create a database, use it, and delete it, as an agent does."""
    nickname = unique_name()
    tools = await agent.list_tools()
    assert {"create_database", "get_connection", "delete_database"} <= set(tools)
    created = await agent.call("create_database", nickname=nickname, labels={"task": "7"})
    shown = await agent.call("get_connection", name=created["id"], include_password=True)
    async with session({"dsn": shown["connection"]}) as tenant:
        await tenant.execute("CREATE TABLE orders (n int)")
    await agent.call("extend_database", name=created["id"], ttl="2d")
    [found] = (await agent.call("list_databases", labels={"task": "7"}))["databases"]
    assert found["id"] == created["id"]
    await agent.call("rotate_password", name=created["id"])
    again = await agent.call("get_connection", name=created["id"], include_password=True)
    assert again["connection"] != shown["connection"]
    async with session({"dsn": again["connection"]}) as tenant:
        assert await tenant.fetchval("SELECT count(*) FROM orders") == 0
    deleted = await agent.call("delete_database", name=created["id"], confirm_nickname=nickname)
    assert deleted["expires_at"] < found["expires_at"]
    assert len(user.questions) == 1


async def test_an_agent_lives_through_a_session_over_standard_input(
    service: RunningService,
) -> None:
    user = User()
    program = StdioServerParameters(
        command=PGVEND[0],
        args=[*PGVEND[1:], "mcp", "--allow-delete"],
        env=plain_environment(PGVEND_URL=service.url),
        cwd="/",
    )
    async with Client(stdio_client(program), elicitation_callback=user) as client:
        await live_through_session(Agent(client), user)


async def test_an_agent_lives_through_a_session_over_http_with_its_own_key() -> None:
    user = User()
    with ram_folder() as folder:
        async with (
            running_service(folder, PGVEND_ADMIN_KEY=ADMIN_KEY) as service,
            serving_mcp(PGVEND_URL=service.url, PGVEND_KEY=ADMIN_KEY) as (process, url),
        ):
            async with (
                httpx2.AsyncClient(headers=bearer(ADMIN_KEY)) as http,
                Client(
                    streamable_http_client(url, http_client=http), elicitation_callback=user
                ) as client,
            ):
                await live_through_session(Agent(client), user)
            async with Client(url) as stranger:
                problem = await Agent(stranger).fail("list_databases")
            process.terminate()
            status = await process.wait()

    assert problem["code"] == "unauthenticated"
    assert status == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_server_over_http_ends_on_a_signal_without_an_error(number: int) -> None:
    async with serving_mcp(PGVEND_URL="http://127.0.0.1:1") as (process, _):
        process.send_signal(number)
        status = await asyncio.wait_for(process.wait(), PATIENCE)
        assert process.stderr
        printed = await process.stderr.read()

    assert (status, printed) == (0, b"")


async def test_a_server_over_standard_input_ends_with_its_input() -> None:
    result = await run_program(*PGVEND, "mcp", PGVEND_URL="http://127.0.0.1:1")
    assert (result.status, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--read-only", "--allow-delete"), "--read-only"),
        (("--host", "0.0.0.0"), "--http"),
        (("--allow-host", "mcp.example"), "--http"),
        (("--ttl", "soon"), "--ttl"),
    ],
)
async def test_mistakes_in_the_options_are_named(arguments: tuple[str, ...], named: str) -> None:
    result = await run_command("mcp", *arguments)
    assert result.status == 2
    assert named in result.stderr


async def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        result = await run_command("mcp", "--http", port)

    assert result.status == 1
    assert f"port {port}" in result.stderr
    assert "--http" in result.stderr


async def test_without_the_extra_the_command_says_how_to_install_it() -> None:
    """In an installation of pgvend alone."""
    program = (
        "import sys; sys.modules['mcp'] = None; "
        "from entrypoints.cli.app import main; sys.argv = ['pgvend', 'mcp']; main()"
    )
    result = await run_program(PGVEND[0], "-c", program)
    assert result.status == 1
    assert "make setup-mcp" in result.stderr
    assert "requirements/mcp.txt" in result.stderr
