"""A snapshot of the live records, read without creating or migrating anything."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.registry.migration import VERSION_TABLE
from adapters.registry.schema import IS_LIVE
from domain.lifecycle import INTERNAL, State
from domain.spares import DEFAULT, SpareLevel
from ports.driven.installation import Installation

Fetch = Callable[[str], Awaitable[Sequence[Any]]]
"""Run a query and return its rows, whose columns are found by name."""

_REVISIONS_WITHOUT_SECRETS = frozenset({"0001", "0002"})
"""Revisions in which the passwords of all records come from the same secret."""

_REVISIONS_WITH_FORMER_STATES = frozenset({"0001", "0002", "0003", "0004"})

_REVISIONS_WITHOUT_SOURCES = _REVISIONS_WITH_FORMER_STATES | {"0005"}
"""Revisions without spares and templates."""

_WAS_LIVE = "state NOT IN ('failed', 'retired')"
"""The condition of a live record in these revisions."""

_INSTALLATION_NAME = "SELECT name AS first FROM installation"


@dataclass(frozen=True, slots=True)
class LiveRecord:
    """A live record. `secret` is the name of the secret that its password comes from, empty for the
    first secret; `source` is the id of the database or template that it is a copy of. `is_idle` is
    false while reconciliation is due."""

    id: str
    target: str
    secret: str
    nickname: str = ""
    state: str = State.READY
    source: str = ""
    is_idle: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySnapshot(Installation):
    """The registry at one moment. `revision` is that of the tables, None without tables;
    `installation_name` is the name of the installation, None before the first start; `live` are the
    records that are neither failed nor deleted."""

    revision: str | None = None
    installation_name: str | None = None
    live: tuple[LiveRecord, ...] = ()

    @property
    def databases(self) -> Sequence[LiveRecord]:
        """The records of callers' databases, without spares and templates."""
        return [record for record in self.live if record.state not in INTERNAL]

    def list_spares(self, target: str, counts: Mapping[str, int]) -> list[SpareLevel]:
        """Return the levels of the spares that are wanted by `counts`; none without tables."""
        if self.revision is None:
            return []
        here = [record for record in self.live if record.target == target]
        return [_measure_level(here, name, count) for name, count in counts.items()]

    async def name(self, proposed: str) -> str:
        """Return the name that the next start will store."""
        return self.installation_name or proposed

    async def count_by_secret(self, target: str) -> Mapping[str, int]:
        return Counter(record.secret for record in self.databases if record.target == target)


async def read_snapshot(fetch: Fetch, tables: Collection[str]) -> RegistrySnapshot:
    """Read the snapshot from a database that has these `tables`, of any known revision."""
    if VERSION_TABLE not in tables:
        return RegistrySnapshot()
    revision = await _fetch_first(fetch, f"SELECT version_num AS first FROM {VERSION_TABLE}")
    installation_name = (
        await _fetch_first(fetch, _INSTALLATION_NAME) if "installation" in tables else None
    )
    secret = "'' AS secret" if revision in _REVISIONS_WITHOUT_SECRETS else "secret"
    is_live = _WAS_LIVE if revision in _REVISIONS_WITH_FORMER_STATES else IS_LIVE.text
    source = "'' AS source" if revision in _REVISIONS_WITHOUT_SOURCES else "source"
    columns = f"id, target, {secret}, nickname, state, {source}, wake_at IS NULL AS is_idle"
    rows = await fetch(f"SELECT {columns} FROM databases WHERE {is_live}")
    live = tuple(LiveRecord(**dict(row)) for row in rows)
    return RegistrySnapshot(revision=revision, installation_name=installation_name, live=live)


def _measure_level(records: Sequence[LiveRecord], template: str, wanted: int) -> SpareLevel:
    """Return the level of the spares of one template, or of those without a template."""
    sources = (each for each in records if each.state == State.TEMPLATE)
    ids = {each.id for each in sources if each.nickname == template}
    if template == DEFAULT:
        ids = {""}
    spares = [each for each in records if each.state == State.SPARE and each.source in ids]
    ready = sum(spare.is_idle for spare in spares)
    return SpareLevel(template=template, wanted=wanted, ready=ready, filling=len(spares) - ready)


async def _fetch_first(fetch: Fetch, query: str) -> str | None:
    for row in await fetch(query):
        return str(row["first"])
    return None
