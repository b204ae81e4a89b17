"""What clients were told, and so what has to be true in the end."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.support.service import PATIENCE


class Fate(StrEnum):
    KEPT = "kept"
    PERHAPS_GONE = "perhaps gone"  # its deletion was not answered, or its time may have come
    GONE = "gone"


@dataclass(eq=False)
class Wish:
    """One database that a client asked for, once or often; `ids` are all that it was told."""

    body: Mapping[str, Any]
    key: str | None = None
    ids: set[str] = field(default_factory=set)

    @property
    def is_short(self) -> bool:
        """Whether the database may end while the test runs."""
        return self.body.get("ttl") == "1m"


@dataclass(eq=False)
class Entry:
    """One database that a client knows of. `uri` is the one handed out last, None where that answer
    was lost; `is_promise`, that nobody has been told yet that it is ready."""

    id: str
    wish: Wish
    is_promise: bool
    uri: str | None = None
    fate: Fate = Fate.KEPT

    @property
    def may_be_over(self) -> bool:
        return self.wish.is_short or self.fate is not Fate.KEPT

    def allows(self, state: str) -> bool:
        """Whether it may be found in this state in the end."""
        return (
            (state == "ready" and self.fate is not Fate.GONE)
            or (state == "deleted" and self.may_be_over)
            or (state == "failed" and self.is_promise)
        )


@dataclass
class Ledger:
    """Of all clients together; `complaints` are the promises that were not kept."""

    entries: dict[str, Entry] = field(default_factory=dict)
    wishes: list[Wish] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    async def answered(self, many: int) -> None:
        """Return when that many more requests are answered."""
        enough = self.counts["answers"] + many
        async with asyncio.timeout(PATIENCE):
            while self.counts["answers"] < enough:  # noqa: ASYNC110 - clients have enough to do
                await asyncio.sleep(0.01)

    def promised(self, wish: Wish, database_id: str) -> Entry:
        wish.ids.add(database_id)
        entry = self.entries.setdefault(database_id, Entry(database_id, wish, is_promise=True))
        if entry.wish is not wish:
            self.complain(f"{database_id} was told to two, who wished for one each")
        return entry

    def made(self, wish: Wish, database_id: str, uri: str) -> Entry:
        entry = self.promised(wish, database_id)
        self.handed_out(entry, uri)
        return entry

    def handed_out(self, entry: Entry, uri: str) -> None:
        """How to log in, again: as it was handed out last."""
        entry.is_promise = False
        if entry.uri not in {None, uri}:
            self.complain(f"{entry.id} was handed out as {entry.uri}, and then as {uri}")
        entry.uri = uri

    def complain(self, text: str) -> None:
        self.complaints.append(text)
