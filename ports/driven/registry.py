"""The registry: records of databases."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.audit import StoredAuditEvent
from domain.database import Database
from domain.lifecycle import State


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the order of records. The id alone is not enough: a claimed spare is younger than
    its id."""

    created_at: datetime
    id: str


def position_of(database: Database) -> Position:
    return Position(database.created_at, database.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A page of records, newest first: by descending `created_at`, then by descending id. A page
    begins after the position `before`.

    `nickname` and `database` select by the exact nickname and by the name in PostgreSQL. `shape`
    selects records of one shape: that of the databases of callers is empty. `due` selects records
    that are not gone and whose `wake_at` is not later; `idempotency_key` is the `key` of an
    IdempotencyKey.
    """

    states: frozenset[State] = frozenset()  # empty: any
    ids: frozenset[str] | None = None  # None, here and below: any
    labels: Mapping[str, str] = field(default_factory=dict)
    caller: str | None = None
    target: str | None = None
    nickname: str | None = None
    database: str | None = None
    shape: str | None = None
    due: datetime | None = None
    idempotency_key: str | None = None
    before: Position | None = None
    limit: int = 50


OVERLAP = timedelta(seconds=30)
"""Records that were stored that long before a period are listed again: on a server, a change
becomes visible some time after its own time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The versions of the records that were stored in a period, by id, and its end."""

    versions: Mapping[str, int]
    until: datetime


class Registry(ABC):
    """Stores records. They are returned as values: later changes do not affect them.

    Every method may raise Unavailable. When a method that changes something fails so, or is
    cancelled, the change was stored completely or not at all.
    """

    @abstractmethod
    async def add(
        self,
        database: Database,
        quota: int | None = None,
        event: StoredAuditEvent | None = None,
    ) -> Database:
        """Store a new record durably and return it with its first version. Append `event` to the
        audit log in the same transaction.

        Raises RequestAlreadyRecorded when a record has the same idempotency key, NameTaken when one
        that is not gone has the same target and the same database or owner name, and QuotaReached
        when `quota` records of the same caller are not gone. Of concurrent calls for one key, one
        name or the last place in a quota, one succeeds.
        """

    @abstractmethod
    async def update(
        self,
        database: Database,
        quota: int | None = None,
        event: StoredAuditEvent | None = None,
    ) -> Database:
        """Replace the record of the same id and return it with its next version. Append `event` to
        the audit log in the same transaction.

        Raises StaleRecord when the version is not the stored one, NameTaken,
        RequestAlreadyRecorded and QuotaReached as `add` does, and DatabaseNotFound when there is
        no such record.
        """

    @abstractmethod
    async def get(self, database_id: str) -> Database:
        """Return the record of that id. Raises DatabaseNotFound."""

    @abstractmethod
    async def search(self, query: Query) -> list[Database]:
        """Return the records that match, newest first, at most `query.limit` of them."""

    @abstractmethod
    async def count_live(self, caller: str) -> int:
        """Return how many records of the caller are not gone: those that its quota counts."""

    @abstractmethod
    async def count_states(self) -> Mapping[State, int]:
        """Return how many records are in each state, except for those that are gone."""

    @abstractmethod
    async def list_changes(self, since: datetime | None = None) -> Changes:
        """Return the current versions of the records that were stored after `since`, the end of an
        earlier period, and in the OVERLAP before it; None means now. The times are those of the
        registry, so that the clocks of replicas do not matter."""

    @abstractmethod
    async def ping(self) -> None:
        """Return if records can be read and written now; else raise."""
