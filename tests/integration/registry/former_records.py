"""Rows that revision 0004 stored, in raw SQL: the code no longer knows its words."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from adapters.registry.migration import migrate
from domain.ids import RANDOM_BYTES, new_id
from tests.support.registries import BEGIN

_REVISION = "0004"
"""The last revision with the former words."""

QUOTING_ERROR = 'the provider sent {"name": "retire", "state": "failed"}'

Step = tuple[str, str]
"""An operation's name and its state."""

FORMER_RECORDS: Mapping[str, tuple[str, Sequence[Step]]] = {
    "new": ("provisioning", [("provision", "running")]),
    "ready": ("ready", [("provision", "done")]),
    "full": ("ready", [("provision", "done"), ("warn", "done"), ("confine", "running")]),
    "freed": ("ready", [("provision", "done"), ("confine", "done"), ("release", "running")]),
    "expired": ("expired", [("provision", "done"), ("suspend", "done")]),
    "going": ("retiring", [("provision", "done"), ("retire", "failed")]),
    "gone": ("retired", [("provision", "done"), ("retire", "done")]),
    "failed": ("failed", [("provision", "failed"), ("retire", "done")]),
    "lost": ("retired", [("provision", "done")]),
}
"""By nickname: the state and the history that revision 0004 holds."""

_INSERT = """
INSERT INTO databases (
    id, nickname, database, owner, target, provider, isolation, caller, promised, suffixable,
    state, labels, extensions, created_at, rotation, history, wake_at, failures, version, secret
) VALUES (
    '{id}', '{name}', '{name}', '{name}', 'here', 'memory', 'role', 'ann', true, true,
    '{state}', '{{}}', '[]', '{at}', 0, '{history}', {wake_at}, 0, 3, 'first'
)
"""

_INSERT_AUDIT = """
INSERT INTO audit (id, at, caller, key, action, subject, address, request_id, outcome)
VALUES ('{id}', '{at}', 'pgvend', '', '{action}', 'db_1', '', '', 'done')
"""


def create_former_tables(connection: Connection) -> None:
    """Create the tables of that revision, with a record of every kind."""
    migrate(connection, destination=_REVISION)
    for number, name in enumerate(FORMER_RECORDS):
        connection.exec_driver_sql(_insert(name, number, connection.dialect.name))


def _insert(name: str, number: int, dialect: str) -> str:
    state, steps = FORMER_RECORDS[name]
    at = BEGIN + timedelta(seconds=number)
    history = [_step(position, step) for position, step in enumerate(steps, start=1)]
    is_scheduled = any(step[1] in {"running", "failed"} for step in steps)
    return _INSERT.format(
        id=new_id(at, bytes([number]) * RANDOM_BYTES),
        name=name,
        state=state,
        at=_format_moment(at, dialect),
        history=json.dumps(history),
        wake_at=f"'{_format_moment(at, dialect)}'" if is_scheduled else "NULL",
    )


def _step(number: int, step: Step) -> Mapping[str, object]:
    name, state = step
    error = QUOTING_ERROR if state == "failed" else ""
    return {"number": number, "name": name, "state": state, "at": BEGIN.isoformat(), "error": error}


def _format_moment(at: datetime, dialect: str) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S.%f}{'+00' if dialect == 'postgresql' else ''}"


def add_audit_events(connection: Connection, actions: Sequence[str]) -> None:
    at = _format_moment(BEGIN, connection.dialect.name)
    for number, action in enumerate(actions):
        statement = _INSERT_AUDIT.format(id=f"aud_{number:02}", at=at, action=action)
        connection.exec_driver_sql(statement)
