"""The tool that deletes databases. They expire: the grace period of the service is between an
agent's mistake and the loss of the data."""

from typing import Annotated

from mcp.server.mcpserver import AcceptedElicitation, Elicit, ElicitationResult, Resolve
from pydantic import BaseModel, Field

from domain.text import escape_unprintable
from entrypoints.mcp.api import Api, Record
from entrypoints.mcp.problems import DECLINED, ToolProblem
from entrypoints.mcp.service import AgentContext, api_of
from entrypoints.mcp.tools.parameters import Name

REMAINING = "1m"
"""The time until a deleted database expires: the shortest that the API accepts."""

GONE = ("expired", "deleting", "deleted")

Nickname = Annotated[
    str,
    Field(description="The nickname in the record of the database, to confirm that you mean it."),
]


class Confirmation(BaseModel):
    """The user's answer."""

    confirm: bool = Field(title="Delete the database", description="Delete it with all data.")


async def ask_user(
    context: AgentContext, name: str, confirm_nickname: str
) -> Confirmation | Elicit[Confirmation]:
    """Ask the user, if the client can. Raises ToolProblem if the nickname is another one."""
    record = await _find_confirmed(api_of(context), name, confirm_nickname)
    if record["state"] in GONE or not _can_ask(context):
        return Confirmation(confirm=True)
    nickname, database = escape_unprintable(record["nickname"]), record["database"]
    return Elicit(
        f"Delete the database {nickname!r} ({database}, {record['id']})? It is closed within "
        "minutes, and its data is deleted after the grace period of the service.",
        Confirmation,
    )


async def delete_database(
    context: AgentContext,
    name: Name,
    confirm_nickname: Nickname,
    answer: Annotated[ElicitationResult[Confirmation], Resolve(ask_user)],
) -> Record:
    """Delete a database with all data in it, for everybody who uses it. It expires within a minute;
    restore_database brings it back until the grace period of the service is over, if the service
    has one. Delete only what you created, or what the user asked you to delete."""
    if not (isinstance(answer, AcceptedElicitation) and answer.data.confirm):
        raise ToolProblem(DECLINED, "The user did not agree: nothing was deleted.")
    api = api_of(context)
    record = await _find_confirmed(api, name, confirm_nickname)
    if record["state"] in GONE:
        return record
    return await api.fetch("PATCH", "databases", record["id"], body={"ttl": REMAINING})


async def _find_confirmed(api: Api, name: str, nickname: str) -> Record:
    """Return the record of the database. Raises ToolProblem if it has another nickname."""
    record = await api.fetch("GET", "databases", name)
    if record["nickname"] != nickname:
        raise ToolProblem(
            "not_confirmed",
            "confirm_nickname is not the nickname of this database: nothing was deleted. Look at "
            "its record with get_database, and make sure that it is the one you mean.",
        )
    return record


def _can_ask(context: AgentContext) -> bool:
    """Return whether the client can show a form to its user. Without a session, a client of the
    protocol with a handshake cannot, and has no capabilities here."""
    capabilities = context.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)
