"""Our records of the databases that we made, are making, or are to drop."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.database import Database
from domain.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which records, and which part of them: newest first, those older than the id `before`.

    `due` are those that are not gone and whose `wake_at` is not later than it; `request` is the key
    of a RequestMark.
    """

    states: frozenset[State] = frozenset()  # none: any
    labels: Mapping[str, str] = field(default_factory=dict)
    caller: str | None = None  # none, here and below: any
    target: str | None = None
    due: datetime | None = None
    request: str | None = None
    before: str | None = None
    limit: int = 50


class Registry(ABC):
    """Keeps records. What it returns are values: changing the registry does not change them.

    Every method may raise Unavailable. When a method that changes something was cut off, by that or
    by a cancellation, the change was made whole or not at all.
    """

    @abstractmethod
    async def add(self, database: Database, quota: int | None = None) -> Database:
        """Keep a new record, durably, and return it with its first version.

        Raises RequestKnown when a record has the same request key, NameTaken when one that is not
        gone has the same target and the same database or owner name, and QuotaReached when `quota`
        records of the same caller are not gone. Of racing calls for one key, one name or the last
        place in a quota, one wins.
        """

    @abstractmethod
    async def update(self, database: Database) -> Database:
        """Replace the record of that id by this one and return it with its next version.

        Raises StaleRecord when the version is not the one last kept, NameTaken and RequestKnown as
        `add` does, DatabaseNotFound when there is no such record.
        """

    @abstractmethod
    async def get(self, database_id: str) -> Database:
        """The record of that id. Raises DatabaseNotFound."""

    @abstractmethod
    async def search(self, query: Query) -> list[Database]:
        """The records that match, by descending id, at most `query.limit` of them."""

    @abstractmethod
    async def ping(self) -> None:
        """Return when records can be read and written now; else raise."""
