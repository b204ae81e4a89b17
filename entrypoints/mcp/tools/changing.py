"""Tools that change a database."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from domain.errors import IllegalTransition
from domain.expiry import parse_duration
from entrypoints.mcp.api import Record
from entrypoints.mcp.connections import to_result
from entrypoints.mcp.problems import ToolProblem
from entrypoints.mcp.service import AgentContext, api_of, options_of
from entrypoints.mcp.tools.parameters import LifetimeOrDefault, Name, Ttl

EndSessions = Annotated[
    bool,
    Field(description="True to end the owner's open sessions too, for example after a leak."),
]


async def extend_database(context: AgentContext, name: Name, ttl: Ttl) -> Record:
    """Make a database expire later: after `ttl` from now. One that expires later already, or never,
    stays as it is."""
    api = api_of(context)
    found = await api.send("GET", "databases", name)
    expires_at = found.body["expires_at"]
    wanted = found.date + parse_duration(ttl)
    if expires_at is None or datetime.fromisoformat(expires_at) >= wanted:
        return found.body
    unchanged = {"If-Match": found.headers["etag"]}  # an expiry that others set stays
    return await api.fetch(
        "PATCH", "databases", found.body["id"], body={"ttl": ttl}, headers=unchanged
    )


async def restore_database(
    context: AgentContext, name: Name, ttl: LifetimeOrDefault = None
) -> Record:
    """Restore a database that has expired and is not deleted yet, with its contents, and return its
    connection. A database that is ready stays as it is."""
    api = api_of(context)
    body = {"ttl": ttl or options_of(context).default_ttl}
    try:
        return to_result(await api.fetch("POST", "databases", name, "restore", body=body))
    except ToolProblem as problem:
        if problem.code != IllegalTransition.code:
            raise
    record = await api.fetch("GET", "databases", name)
    connection = await api.fetch("GET", "databases", record["id"], "connection")  # if it is ready
    return to_result({**record, "connection": connection})


async def rotate_password(
    context: AgentContext, name: Name, end_sessions: EndSessions = False
) -> Record:
    """Set a new password for a database. The old one stops working at once, for everybody who uses
    it. `REDACTED` stands for the new one: get_connection reveals it."""
    body = {"end_sessions": end_sessions}
    api = api_of(context)
    return to_result(await api.fetch("POST", "databases", name, "rotate", body=body))
