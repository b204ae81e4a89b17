"""Agents: the official MCP client, with a key of a service over the memory provider."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp.server.lowlevel import Server
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult, TextContent

from domain.callers import Scope
from domain.secrets import Secret
from entrypoints.mcp.options import AgentOptions
from entrypoints.mcp.server import create_server
from entrypoints.mcp.service import Service
from tests.support.clock import FakeClock
from tests.support.keyed_clients import DEFAULT_SCOPES, KeyedApp, KeyedClient, running_keyed_app

MODES = ("auto", "legacy")
"""The newest protocol, and the one with a handshake, which most clients still use."""

WITH_DELETION = AgentOptions(allows_deletion=True)


@dataclass(frozen=True)
class Agent:
    """A connected client, and the service that it reaches; `key` is the client's own."""

    client: Client
    keyed: KeyedApp | None = None
    key: KeyedClient | None = None

    async def list_tools(self) -> list[str]:
        return [tool.name for tool in (await self.client.list_tools()).tools]

    async def call(self, tool: str, **arguments: Any) -> Any:
        """Call a tool that must succeed, and return its result."""
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        assert isinstance(result, CallToolResult)
        assert result.structured_content == json.loads(read_text(result))
        return result.structured_content

    async def fail(self, tool: str, **arguments: Any) -> Any:
        """Call a tool that must fail, and return the problem."""
        result = await self.client.call_tool(tool, arguments)
        assert result.is_error, result.structured_content
        assert result.structured_content is None
        problem = json.loads(read_text(result))
        assert isinstance(problem["retryable"], bool)
        assert problem["detail"]
        return problem

    async def expire_all(self) -> None:
        """Let a day pass, and reconcile."""
        assert self.keyed
        clock = self.keyed.app.clock
        clock.passed += 86_400
        answer = await self.keyed.admin.ask("POST", "/v1/reconciliations")
        assert answer.status == 200, answer.body


@asynccontextmanager
async def running_agent(
    options: AgentOptions = WITH_DELETION,
    scopes: Sequence[str | Scope] = DEFAULT_SCOPES,
    **client: Any,
) -> AsyncIterator[Agent]:
    """Run a service whose clock shows the present, and an agent with a key of these scopes.
    `client` are options of the official client."""
    async with running_service_for_agents() as keyed:
        key = await keyed.create_client("agent", scopes)
        async with Client(create_agent_server(keyed, key.key, options), **client) as connected:
            yield Agent(connected, keyed, key)


@asynccontextmanager
async def running_service_for_agents(**settings: Any) -> AsyncIterator[KeyedApp]:
    clock = FakeClock()
    clock.moment = datetime.now(UTC)
    async with running_keyed_app(clock=clock, **{"grace_period": "7d"} | settings) as keyed:
        yield keyed


def create_agent_server(
    keyed: KeyedApp,
    key: str | None,
    options: AgentOptions = WITH_DELETION,
    *,
    serves_others: bool = False,
) -> Server[Service]:
    secret = Secret(key) if key else None
    return create_server(urlsplit(keyed.app.url), secret, options, serves_others=serves_others)


def read_text(result: CallToolResult) -> str:
    """Return the only part of a result."""
    [content] = result.content
    assert isinstance(content, TextContent)
    return content.text


AGREES = {"confirm": True}


class User:
    """Answers the questions of a client, and keeps them."""

    def __init__(self, action: Any = "accept", *, content: Any = AGREES) -> None:
        self._answer = ElicitResult(action=action, content=content)
        self.questions: list[str] = []

    async def __call__(
        self, context: ClientRequestContext, params: ElicitRequestParams
    ) -> ElicitResult:
        self.questions.append(params.message)
        return self._answer
