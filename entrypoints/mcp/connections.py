"""Connections in the results of tools: without the password, unless it is asked for."""

import json
from dataclasses import replace
from typing import Any

from domain.connection import Connection
from domain.secrets import Secret
from entrypoints.formats import Format, parse_members
from entrypoints.formats.rendering import to_members
from entrypoints.mcp.api import Record
from entrypoints.mcp.problems import ToolProblem

REDACTED = "REDACTED"
"""What stands for a password."""


def parse_connection(members: Any) -> Connection:
    """Raises ToolProblem if the answer is not a connection of pgvend."""
    try:
        return parse_members(members)
    except ValueError:
        raise ToolProblem("not_pgvend", "The answer of the service has no connection.") from None


def redact(connection: Connection) -> Connection:
    return replace(connection, password=Secret(REDACTED))


def render(connection: Connection, form: Format) -> Any:
    """Return the connection as a text of that format, or as members for JSON. Raises
    NotExpressible."""
    text = form.render(connection)
    return json.loads(text) if form.media_type == "application/json" else text


def to_result(answer: Record) -> Record:
    """Return a database with its connection, as the API answers it, without the password and
    without the history of its operations."""
    connection = redact(parse_connection(answer.get("connection")))
    record = {name: value for name, value in answer.items() if name != "steps"}
    return {**record, "connection": to_members(connection)}
