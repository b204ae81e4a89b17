"""The page on agents: its tools, its codes, and its examples of configuration."""

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from entrypoints.config.client_variables import CLIENT_VARIABLES
from entrypoints.mcp.catalog import TOOLS, AgentTool
from entrypoints.mcp.http import PATH
from tests.support.documents import Block, list_blocks
from tests.unit.docs.pages import DOCS, cell, check_rows

PAGE = DOCS / "agents.md"

PARSERS = {"json": json.loads, "toml": tomllib.loads}
EXAMPLES = [block for block in list_blocks(PAGE) if block.language in PARSERS]


def test_the_page_lists_every_tool() -> None:
    check_rows(PAGE, "Tool", {tool.name: cells(tool) for tool in TOOLS})


def cells(tool: AgentTool) -> list[str]:
    """Return the scopes, the kind by its hints, and the first sentence of the description."""
    kind = "reads" if tool.is_read_only else "destructive" if tool.is_destructive else "changes"
    repeatable = "" if tool.is_idempotent else ", not idempotent"
    sentence = str(tool.listing.description).partition(". ")[0].partition(": ")[0]
    return [
        ", ".join(f"`{scope}`" for scope in sorted(tool.scopes)),
        kind + repeatable,
        cell(f"{sentence.rstrip('.')}."),
    ]


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: f"line {block.line}")
def test_an_example_of_configuration_starts_or_names_the_server(block: Block) -> None:
    known = {f"{each.name}{end}" for each in CLIENT_VARIABLES for end in ("", "_FILE")}
    [server] = find_servers(PARSERS[block.language](block.text))
    if "command" in server:
        assert server["command"].endswith("/pgvend")
        assert server["args"] == ["mcp"]
        assert set(server["env"]) <= known
    else:
        assert server["url"].endswith(PATH)


def find_servers(part: Any) -> Iterator[Any]:
    """Return what is named `pgvend` in a configuration."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "pgvend":
                yield value
            else:
                yield from find_servers(value)
