"""Creation of one of many databases, so that a second run does not create it again."""

import json
import random
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from threading import Event
from typing import Any

from entrypoints.cli.client import get_member, send_request
from entrypoints.cli.databases import Database, list_databases
from entrypoints.cli.errors import ExitStatus, RequestError

LONGEST_WAIT = 300.0
"""Seconds to keep trying while the service asks to try again, such as for a rate limit."""

FIRST_PAUSE = 0.5

READY = "ready"
FORMER = ("expired", "deleting", "deleted")

Body = Mapping[str, Any]


class Patience:
    """Repeats requests that the service asks to repeat, until `stopping` is set."""

    def __init__(self, stopping: Event) -> None:
        self._stopping = stopping

    def __call__(self, send: Callable[[], Any]) -> Any:
        """Return the answer of `send`, which is safe to repeat. Raises RequestError."""
        end, pause = time.monotonic() + LONGEST_WAIT, FIRST_PAUSE
        while True:
            try:
                return send()
            except RequestError as error:
                wait = max(error.retry_after, pause * random.uniform(0.5, 1))  # noqa: S311 - not a secret
                is_late = time.monotonic() + wait > end
                if error.exit_status is not ExitStatus.RETRYABLE or is_late:
                    raise
                if self._stopping.wait(wait):
                    raise
                pause *= 2


def reuse_database(body: Body, patience: Patience) -> Database:
    """Return the caller's database of that nickname with its connection, restored or created if
    need be. Raises RequestError."""
    request = {**body, "on_conflict": "reuse"}
    database: Database = patience(lambda: send_request("POST", "databases", body=request))
    return database


def find_or_create_database(body: Body, patience: Patience, caller: str) -> Database:
    """Return this caller's newest ready database of that nickname with its connection, unchanged,
    or else a new one. Raises RequestError.

    The idempotency key makes two runs at once, and a run after one that was killed, create the same
    database. It changes when that database is deleted or expires.
    """
    nickname = str(body["nickname"])
    newest = patience(lambda: _find_newest(nickname, caller, READY, *FORMER))
    is_ready = newest is None or newest.get("state") == READY
    ready = newest if is_ready else patience(lambda: _find_newest(nickname, caller, READY))
    if ready:
        return {**ready, "connection": patience(lambda: _fetch_connection(ready))}
    key = derive_key(body, newest)
    created: Database = patience(
        lambda: send_request("POST", "databases", body=body, idempotency_key=key)
    )
    return created


def derive_key(body: Body, former: Database | None) -> str:
    """Return the idempotency key of a creation that follows the `former` database."""
    content = [body, former and former["id"]]
    return f"pgvend-{sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()}"


def _find_newest(nickname: str, caller: str, *states: str) -> Database | None:
    """Return the newest of the caller's databases with that nickname, None if there is not one or
    the key may not list databases. An admin's key lists those of other callers too."""
    filters = [("nickname", nickname), *(("state", state) for state in states)]
    try:
        own = (each for each in list_databases(filters) if each.get("caller") == caller)
        return next(own, None)
    except RequestError as error:
        if error.problem.get("code") == "forbidden":
            return None
        raise


def _fetch_connection(database: Database) -> Any:
    path = ("databases", str(get_member(database, "id")), "connection")
    return send_request("GET", *path, query=[("verify", "true")])
