"""Tools that read records and connections."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from domain.lifecycle import PUBLIC
from entrypoints.formats import choose_format
from entrypoints.mcp.api import Record
from entrypoints.mcp.connections import parse_connection, redact, render
from entrypoints.mcp.problems import ToolProblem
from entrypoints.mcp.service import AgentContext, api_of, options_of
from entrypoints.mcp.tools.parameters import FormatName, Labels, Name

PAGE_SIZE = "50"
"""Databases on a page: as many as an agent reads at once."""

States = Annotated[
    list[str] | None,
    Field(
        description=f"Only databases in these states, of {', '.join(PUBLIC)}. Without it, deleted "
        "and failed ones are left out."
    ),
]
Nickname = Annotated[str | None, Field(description="Only databases of this nickname.")]
PageToken = Annotated[
    str | None, Field(description="`next_page_token` of the page before, for the next page.")
]
IncludePassword = Annotated[
    bool,
    Field(
        description="True to include the password. Write it to no log, no file under version "
        "control and no command line."
    ),
]


async def list_databases(
    context: AgentContext,
    states: States = None,
    labels: Labels = None,
    nickname: Nickname = None,
    page_token: PageToken = None,
) -> Record:
    """List the databases that this key can see, the newest first, without passwords. Use it to find
    what you created before, by its labels or its nickname."""
    query = [("page_size", PAGE_SIZE)]
    query += [("state", state) for state in states or []]
    query += [("label", f"{name}={value}") for name, value in (labels or {}).items()]
    single = {"nickname": nickname, "page_token": page_token}
    query += [(name, value) for name, value in single.items() if value]
    page = await api_of(context).fetch("GET", "databases", query=query)
    return {**page, "databases": [*_without_steps(page)]}


async def get_database(context: AgentContext, name: Name) -> Record:
    """Get the record of a database: its state, its expiry, its labels, its size and the history of
    its operations, without the password."""
    return await api_of(context).fetch("GET", "databases", name, query=[("size", "true")])


async def get_connection(
    context: AgentContext,
    name: Name,
    format: FormatName = "uri",  # noqa: A002 - the name that agents use
    include_password: IncludePassword = False,
) -> Record:
    """Get the connection of a database that is ready, in the format of a tool. `REDACTED` stands
    for the password unless you ask for it. Each call is recorded in the service's audit log."""
    form = choose_format(format, None)
    if include_password and options_of(context).is_read_only:
        raise ToolProblem(
            "read_only", "This server is read-only, and does not reveal passwords: leave it out."
        )
    answer = await api_of(context).fetch("GET", "databases", name, "connection")
    connection = parse_connection(answer)
    shown = connection if include_password else redact(connection)
    authority = {"sslrootcert": connection.sslrootcert} if connection.sslrootcert else {}
    return {
        "format": form.name,
        "connection": render(shown, form),
        "password_included": include_password,
        **authority,
    }


async def list_extensions(context: AgentContext) -> Record:
    """List the PostgreSQL extensions that create_database can install, such as vector."""
    return await api_of(context).fetch("GET", "extensions")


async def list_templates(context: AgentContext) -> Record:
    """List the templates: frozen databases with contents, which create_database can copy."""
    return await api_of(context).fetch("GET", "templates")


def _without_steps(page: Record) -> Iterator[Record]:
    for record in page["databases"]:
        yield {name: value for name, value in record.items() if name != "steps"}
