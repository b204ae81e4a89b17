"""The tool that creates databases."""

from typing import Annotated

from pydantic import Field

from entrypoints.mcp.api import Record
from entrypoints.mcp.connections import to_result
from entrypoints.mcp.creation import create_once, reuse_database
from entrypoints.mcp.service import AgentContext, api_of, drop_unset, options_of
from entrypoints.mcp.tools.parameters import Labels, LifetimeOrDefault

Nickname = Annotated[
    str,
    Field(description="A name of your choice; the names on the server are made from it."),
]
Extensions = Annotated[
    list[str] | None,
    Field(description="Extensions to install, such as vector: see list_extensions."),
]
TemplateName = Annotated[
    str | None, Field(description="The name or the id of a template to copy: see list_templates.")
]
Reuse = Annotated[
    bool,
    Field(
        description="True for your database of this nickname, whatever its other arguments were: "
        "an expired one is restored, one that is ready keeps its expiry and its labels. This needs "
        "a key with the scopes create, read and manage."
    ),
]


async def create_database(  # noqa: PLR0913, PLR0917 - each is a parameter of the tool
    context: AgentContext,
    nickname: Nickname,
    ttl: LifetimeOrDefault = None,
    labels: Labels = None,
    extensions: Extensions = None,
    template: TemplateName = None,
    reuse: Reuse = False,
) -> Record:
    """Create a PostgreSQL database with an owner of its own, and return its record and its
    connection. It is ready for use.

    `REDACTED` stands for the password: `pgvend psql NAME` and `pgvend env NAME` use it without
    showing it to you, and get_connection reveals it. Repeating a call with the same arguments
    returns the same database, as long as it exists and for a day; other arguments create another
    one.
    """
    body = drop_unset(
        {
            "nickname": nickname,
            "ttl": ttl or options_of(context).default_ttl,
            "labels": labels,
            "extensions": extensions,
            "template": template,
        }
    )
    create = reuse_database if reuse else create_once
    return to_result(await create(api_of(context), body))
