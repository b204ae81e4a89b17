"""Exports: an expired database is dumped into a file before it is deleted."""

import re
from datetime import datetime, timedelta

from domain.database import Database
from domain.lifecycle import Operation, StepState

SUFFIX = ".dump"

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
"""Characters that a file's name gets none of: a database can be renamed on its server."""


def build_file_name(database: Database) -> str:
    """Return the name of the file for the database: its name and its id, which nobody can guess."""
    name = _UNSAFE.sub("_", database.names.database).lstrip("-")
    parts = [database.id] if name in {"", database.id} else [name, database.id]
    return "-".join(parts) + SUFFIX


def find_deadline(database: Database, patience: timedelta) -> datetime:
    """Return the time after which a database whose export fails is deleted without one."""
    starts = (
        step.at
        for step in reversed(database.history)
        if step.name == Operation.EXPORT and step.state is StepState.RUNNING
    )
    return next(starts, database.created_at) + patience


def is_overdue(database: Database, now: datetime, patience: timedelta) -> bool:
    """Return whether the export has failed for so long that the database is deleted without one."""
    return database.is_failed(Operation.EXPORT) and now >= find_deadline(database, patience)
