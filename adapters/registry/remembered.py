"""What the records say, read without opening them for work: nothing is made or migrated."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.registry.migrating import VERSION_TABLE
from domain.states import GONE
from ports.driven.installation import Installation

Fetch = Callable[[str], Awaitable[Sequence[Any]]]
"""Runs a query; its rows tell their columns by name."""

_WITHOUT_SECRETS = frozenset({"0001", "0002"})
"""Revisions in which every record's password comes from the one secret there was."""

_KEPT = "SELECT name AS first FROM installation"


@dataclass(frozen=True, slots=True)
class Record:
    """`secret` is the name of the one that its password comes from; empty for the first one."""

    id: str
    target: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered(Installation):
    """`revision` is that of the tables, None where there are none; `kept` the installation's name,
    and `live` the records that are not gone."""

    revision: str | None = None
    kept: str | None = None
    live: tuple[Record, ...] = ()

    async def name(self, proposed: str) -> str:
        """As it will be kept at the next start."""
        return self.kept or proposed

    async def count_by_secret(self, target: str) -> Mapping[str, int]:
        return Counter(record.secret for record in self.live if record.target == target)


async def remembered(fetch: Fetch, tables: Collection[str]) -> Remembered:
    """Out of a database that has these `tables`, of whatever revision."""
    if VERSION_TABLE not in tables:
        return Remembered()
    revision = await _first(fetch, f"SELECT version_num AS first FROM {VERSION_TABLE}")
    kept = await _first(fetch, _KEPT) if "installation" in tables else None
    secret = "'' AS secret" if revision in _WITHOUT_SECRETS else "secret"
    gone = ", ".join(f"'{state}'" for state in sorted(GONE))
    rows = await fetch(f"SELECT id, target, {secret} FROM databases WHERE state NOT IN ({gone})")
    live = tuple(Record(row["id"], row["target"], row["secret"]) for row in rows)
    return Remembered(revision=revision, kept=kept, live=live)


async def _first(fetch: Fetch, query: str) -> str | None:
    for row in await fetch(query):
        return str(row["first"])
    return None
