"""The answers that clients got, and so the state that the service must have in the end."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.support.service import PATIENCE


class Fate(StrEnum):
    KEPT = "kept"
    PERHAPS_GONE = "perhaps gone"  # its deletion was not answered, or it may have expired
    GONE = "gone"


@dataclass(eq=False)
class Wish:
    """A client's request for one database, sent once or repeatedly. `ids` are from all answers."""

    body: Mapping[str, Any]
    key: str | None = None
    ids: set[str] = field(default_factory=set)

    @property
    def is_short(self) -> bool:
        """Whether the database may expire while the test runs."""
        return self.body.get("ttl") == "1m"


@dataclass(eq=False)
class Entry:
    """A database that a client knows. `uri` is the latest one, None if its answer was lost.
    `is_pending` says that no answer has reported it as ready yet."""

    id: str
    wish: Wish
    is_promise: bool
    uri: str | None = None
    fate: Fate = Fate.KEPT

    @property
    def may_be_over(self) -> bool:
        return self.wish.is_short or self.fate is not Fate.KEPT

    def allows(self, state: str) -> bool:
        """Return whether the database may have this state in the end."""
        return (
            (state == "ready" and self.fate is not Fate.GONE)
            or (state == "deleted" and self.may_be_over)
            or (state == "failed" and self.is_promise)
        )


@dataclass
class Ledger:
    """The answers to all clients. `violations` are the promises that the service broke."""

    entries: dict[str, Entry] = field(default_factory=dict)
    wishes: list[Wish] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    async def answered(self, many: int) -> None:
        """Wait until `many` more requests are answered."""
        enough = self.counts["answers"] + many
        async with asyncio.timeout(PATIENCE):
            while self.counts["answers"] < enough:  # noqa: ASYNC110 - an event would burden the clients
                await asyncio.sleep(0.01)

    def promised(self, wish: Wish, database_id: str) -> Entry:
        wish.ids.add(database_id)
        entry = self.entries.setdefault(database_id, Entry(database_id, wish, is_promise=True))
        if entry.wish is not wish:
            self.complain(f"two requests for one database each got {database_id}")
        return entry

    def made(self, wish: Wish, database_id: str, uri: str) -> Entry:
        entry = self.promised(wish, database_id)
        self.handed_out(entry, uri)
        return entry

    def handed_out(self, entry: Entry, uri: str) -> None:
        """Record a URI, which must equal the one before."""
        entry.is_promise = False
        if entry.uri not in {None, uri}:
            self.complain(f"{entry.id} had the URI {entry.uri}, and then {uri}")
        entry.uri = uri

    def complain(self, text: str) -> None:
        self.complaints.append(text)
