"""The tools, and which of them an agent gets."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mcp_types
from mcp.server.mcpserver.tools import Tool
from pydantic import BaseModel

from domain.callers import Scope
from entrypoints.mcp import results
from entrypoints.mcp.options import AgentOptions
from entrypoints.mcp.tools import changing, creating, deleting, reading


@dataclass(frozen=True, kw_only=True)
class AgentTool:
    """A tool, the scopes that its requests need, and its hints. No tool reaches anything but
    pgvend."""

    function: Callable[..., Any]
    title: str
    scopes: frozenset[Scope]
    result: type[BaseModel]
    is_read_only: bool = False
    is_destructive: bool = False
    is_idempotent: bool = True

    @property
    def name(self) -> str:
        return str(self.function.__name__)

    @cached_property
    def implementation(self) -> Tool:
        """The function with its validation of arguments. It refuses arguments that it does not
        know: a misspelled one would have no effect."""
        tool = Tool.from_function(self.function, structured_output=False)
        tool.fn_metadata.arg_model.model_config["extra"] = "forbid"
        tool.fn_metadata.arg_model.model_rebuild(force=True)
        tool.parameters = _create_schema(tool.fn_metadata.arg_model)
        return tool

    @cached_property
    def listing(self) -> mcp_types.Tool:
        """The tool as agents see it."""
        return mcp_types.Tool(
            name=self.name,
            title=self.title,
            description=_unwrap(self.implementation.description),
            input_schema=self.implementation.parameters,
            output_schema=_create_schema(self.result),
            annotations=mcp_types.ToolAnnotations(
                title=self.title,
                read_only_hint=self.is_read_only,
                destructive_hint=self.is_destructive,
                idempotent_hint=self.is_idempotent,
                open_world_hint=False,
            ),
        )


CREATE = frozenset({Scope.CREATE})
READ = frozenset({Scope.READ})
MANAGE = frozenset({Scope.MANAGE})

TOOLS = (
    AgentTool(
        function=creating.create_database,
        title="Create a database",
        scopes=CREATE,
        result=results.ConnectedDatabase,
    ),
    AgentTool(
        function=reading.list_databases,
        title="List databases",
        scopes=READ,
        result=results.DatabasePage,
        is_read_only=True,
    ),
    AgentTool(
        function=reading.get_database,
        title="Get a database",
        scopes=READ,
        result=results.Database,
        is_read_only=True,
    ),
    AgentTool(
        function=reading.get_connection,
        title="Get the connection of a database",
        scopes=READ,
        result=results.ConnectionResult,
        is_read_only=True,
    ),
    AgentTool(
        function=reading.list_extensions,
        title="List available extensions",
        scopes=READ,
        result=results.ExtensionList,
        is_read_only=True,
    ),
    AgentTool(
        function=reading.list_templates,
        title="List templates",
        scopes=READ,
        result=results.TemplateList,
        is_read_only=True,
    ),
    AgentTool(
        function=changing.extend_database,
        title="Extend the lifetime of a database",
        scopes=READ | MANAGE,
        result=results.Database,
    ),
    AgentTool(
        function=changing.restore_database,
        title="Restore an expired database",
        scopes=MANAGE,
        result=results.ConnectedDatabase,
    ),
    AgentTool(
        function=changing.rotate_password,
        title="Rotate the password of a database",
        scopes=MANAGE,
        result=results.ConnectedDatabase,
        is_destructive=True,
        is_idempotent=False,
    ),
    AgentTool(
        function=deleting.delete_database,
        title="Delete a database",
        scopes=READ | MANAGE,
        result=results.Database,
        is_destructive=True,
    ),
)

DELETION = "delete_database"


def select_tools(options: AgentOptions) -> Sequence[AgentTool]:
    """Return the tools that the operator of this server allows."""
    return [
        tool
        for tool in TOOLS
        if (tool.is_read_only or not options.is_read_only)
        and (tool.name != DELETION or options.allows_deletion)
    ]


def select_for_scopes(tools: Sequence[AgentTool], scopes: Collection[str]) -> Sequence[AgentTool]:
    """Return the tools whose requests a key of these scopes allows."""
    return [tool for tool in tools if Scope.ADMIN in scopes or tool.scopes <= set(scopes)]


def _create_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema without pydantic's titles, which repeat the names."""
    schema: dict[str, Any] = _drop_titles(model.model_json_schema())
    return schema


def _drop_titles(part: Any) -> Any:
    match part:
        case dict():
            return {
                name: _drop_titles(value)
                for name, value in part.items()
                if name != "title" or not isinstance(value, str)
            }
        case list():
            return [_drop_titles(item) for item in part]
    return part


def _unwrap(text: str) -> str:
    """Return the docstring with one line for each paragraph."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
