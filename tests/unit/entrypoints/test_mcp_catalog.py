"""The tools for agents: each is complete, and an agent gets only those that it may use."""

import pytest

from domain.callers import Scope
from entrypoints.mcp.catalog import TOOLS, AgentTool, select_for_scopes, select_tools
from entrypoints.mcp.options import AgentOptions

READING = {
    "list_databases",
    "get_database",
    "get_connection",
    "list_extensions",
    "list_templates",
}
CHANGING = {"create_database", "extend_database", "restore_database", "rotate_password"}
DELETING = {"delete_database"}


def names(tools: object) -> set[str]:
    assert isinstance(tools, list | tuple)
    return {tool.name for tool in tools}


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_tool_is_complete(tool: AgentTool) -> None:
    """Clients ask the user, or not, by the hints; models choose by the descriptions."""
    listing = tool.listing
    assert listing.title
    assert listing.description
    assert "\n" not in listing.description.replace("\n\n", "")
    assert listing.annotations
    hints = listing.annotations.model_dump(exclude={"title"})
    assert set(map(type, hints.values())) == {bool}
    assert len(hints) == 4
    assert tool.scopes
    assert listing.output_schema
    assert listing.output_schema["type"] == "object"


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_parameter_is_described_and_others_are_refused(tool: AgentTool) -> None:
    schema = tool.listing.input_schema
    assert schema["additionalProperties"] is False
    assert not [name for name, each in schema["properties"].items() if not each["description"]]
    assert "context" not in schema["properties"]


def test_the_hints_match_what_the_tools_do() -> None:
    assert {tool.name for tool in TOOLS if tool.is_read_only} == READING
    assert {tool.name for tool in TOOLS if tool.is_destructive} == DELETING | {"rotate_password"}
    assert {tool.name for tool in TOOLS if not tool.is_idempotent} == {"rotate_password"}


def test_the_tool_that_deletes_must_be_allowed() -> None:
    assert names(select_tools(AgentOptions())) == READING | CHANGING
    assert names(select_tools(AgentOptions(allows_deletion=True))) == names(TOOLS)


def test_a_read_only_server_has_no_tool_that_changes_anything() -> None:
    assert names(select_tools(AgentOptions(is_read_only=True))) == READING
    everything = AgentOptions(is_read_only=True, allows_deletion=True)
    assert names(select_tools(everything)) == READING


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        ([], set()),
        ([Scope.CREATE], {"create_database"}),
        ([Scope.READ], READING),
        ([Scope.MANAGE], {"restore_database", "rotate_password"}),
        ([Scope.READ, Scope.MANAGE], READING | CHANGING - {"create_database"} | DELETING),
        ([Scope.ADMIN], READING | CHANGING | DELETING),
    ],
)
def test_an_agent_gets_the_tools_that_the_scopes_of_its_key_allow(
    scopes: list[Scope], expected: set[str]
) -> None:
    assert names(select_for_scopes(TOOLS, scopes)) == expected
