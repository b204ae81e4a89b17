"""The answers that clients got, and so the state that the service must have in the end."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.support.service import PATIENCE


class Existence(StrEnum):
    EXISTS = "exists"
    MAY_BE_GONE = "may be gone"  # its deletion was not answered, or it may have expired
    GONE = "gone"


@dataclass(eq=False)
class CreationRequest:
    """A client's request for one database, sent once or repeatedly. `ids` are from all answers."""

    body: Mapping[str, Any]
    key: str | None = None
    ids: set[str] = field(default_factory=set)

    @property
    def is_short_lived(self) -> bool:
        """Whether the database may expire while the test runs."""
        return self.body.get("ttl") == "1m"


@dataclass(eq=False)
class KnownDatabase:
    """A database that a client knows. `uri` is the latest one, None if its answer was lost.
    `is_pending` says that no answer has reported it as ready yet."""

    id: str
    request: CreationRequest
    is_pending: bool
    uri: str | None = None
    existence: Existence = Existence.EXISTS

    @property
    def may_be_gone(self) -> bool:
        return self.request.is_short_lived or self.existence is not Existence.EXISTS

    def allows(self, state: str) -> bool:
        """Return whether the database may have this state in the end."""
        return (
            (state == "ready" and self.existence is not Existence.GONE)
            or (state == "deleted" and self.may_be_gone)
            or (state == "failed" and self.is_pending)
        )


@dataclass
class Ledger:
    """The answers to all clients. `violations` are the promises that the service broke."""

    known_databases: dict[str, KnownDatabase] = field(default_factory=dict)
    requests: list[CreationRequest] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    async def wait_for_answers(self, many: int) -> None:
        """Wait until `many` more requests are answered."""
        enough = self.counts["answers"] + many
        async with asyncio.timeout(PATIENCE):
            while self.counts["answers"] < enough:  # noqa: ASYNC110 - an event would burden the clients
                await asyncio.sleep(0.01)

    def record_accepted(self, request: CreationRequest, database_id: str) -> KnownDatabase:
        request.ids.add(database_id)
        database = self.known_databases.setdefault(
            database_id, KnownDatabase(database_id, request, is_pending=True)
        )
        if database.request is not request:
            self.report_violation(f"two requests for one database each got {database_id}")
        return database

    def record_created(self, request: CreationRequest, database_id: str, uri: str) -> KnownDatabase:
        database = self.record_accepted(request, database_id)
        self.record_connection(database, uri)
        return database

    def record_connection(self, database: KnownDatabase, uri: str) -> None:
        """Record a URI, which must equal the one before."""
        database.is_pending = False
        if database.uri not in {None, uri}:
            self.report_violation(f"{database.id} had the URI {database.uri}, and then {uri}")
        database.uri = uri

    def report_violation(self, text: str) -> None:
        self.violations.append(text)
