"""Find the database that a handle stands for: an id, a database's name or a nickname."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from domain.callers import ANYONE, Caller
from domain.database import Database
from domain.errors import AmbiguousName, DatabaseNotFound
from domain.ids import is_id
from domain.lifecycle import LISTED, State
from ports.driven.registry import Query, Registry
from ports.use_cases.records import get_record

DELETING = frozenset({State.DELETING})
STAYING = LISTED - DELETING

MAX_MATCHES = 10
"""The maximum number of ids in an error."""


@dataclass(frozen=True, kw_only=True)
class FindDatabase:
    """A handle with the form of an id is an id, and finds a database in any state.

    Any other handle is compared with the caller's own databases that are not gone: with their names
    in PostgreSQL, then with their nicknames. The first level that matches counts. Databases that
    are being deleted come after all others, because their names may stand for new databases
    already. For a caller that can see all, the databases of everybody follow in the same order.
    """

    registry: Registry

    async def __call__(self, handle: str, caller: Caller = ANYONE) -> Database:
        """Return the record. Raises DatabaseNotFound, also for another caller's database, and
        AmbiguousName if several databases match on one level."""
        if is_id(handle):
            return await get_record(self.registry, handle, caller)
        for query in _list_levels(handle, caller):
            if matches := await self.registry.search(query):
                return choose_only(handle, matches)
        raise DatabaseNotFound(f"There is no database {handle!r}.")

    async def find_id(self, handle: str, caller: Caller = ANYONE) -> str:
        """Return the id that the handle stands for. An id is not read: it may not exist, or belong
        to another caller. Raises as a call does."""
        return handle if is_id(handle) else (await self(handle, caller)).id


def choose_only(name: str, matches: Sequence[Database]) -> Database:
    """Return the only one of the databases of that name. Raises AmbiguousName."""
    if len(matches) > 1:
        ids = ", ".join(match.id for match in matches)
        raise AmbiguousName(f"Several databases are called {name!r}; use an id: {ids}.")
    return matches[0]


def _list_levels(handle: str, caller: Caller) -> Iterator[Query]:
    for owner in (caller.name, None) if caller.can_see_all else (caller.name,):
        for states in (STAYING, DELETING):
            query = Query(caller=owner, states=states, shape="", limit=MAX_MATCHES)
            yield replace(query, database=handle)
            yield replace(query, nickname=handle)
