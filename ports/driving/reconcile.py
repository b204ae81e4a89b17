"""Where the records and what the provider holds differ, and what is to be done about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from domain.database import Database
from domain.errors import DatabaseNotFound
from domain.identity import made_at
from domain.naming import Nickname
from domain.order import Holding, Tenant
from domain.states import LIVE, State
from domain.target import Target
from domain.text import legible
from domain.upkeep import Drift, Upkeep, misrecorded, unrecorded
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.leases import Leases
from ports.driven.registry import Query, Registry
from ports.driving.chores import Chore
from ports.records import every

PAGE = 1000

LAG = 5.0
"""Seconds after which a list shows what it did not show a moment ago: Neon's may be behind."""

REMARKS: Mapping[Upkeep, str] = {
    Upkeep.MISS: "It is not there, and neither is anything of ours that is as old: is this the "
    "right server? If it is, delete the database.",
    Upkeep.DOUBT: "It bears our mark, and is not whole: if nobody needs it, delete the database, "
    "or, where there is no record of it, drop it by hand.",
}

UNRECORDABLE = (
    "Its name holds control characters, so no record takes it: a record that there is keeps the "
    "former name. Rename the database on its server."
)
TOMBSTONE = "A tombstone: the role of a deleted database, which objects of others name."


@dataclass(frozen=True, kw_only=True)
class DetectDrift:
    """Nothing that may hold data is dropped, unless its record says that it is gone."""

    registry: Registry
    provider: DatabaseProvider
    leases: Leases
    clock: Clock
    target: Target

    async def __call__(self) -> list[Chore]:
        """What there is to do. Raises Unavailable, and what `inventory` raises."""
        before = await self._live()
        holdings = await self.provider.inventory()
        records = before | await self._of_others(holdings, before)
        drifts = unrecorded(holdings, records, self.clock.now())
        drifts += await self._misrecorded(list(before.values()), holdings)
        return [self._chore(drift, before) for drift in drifts]

    async def _misrecorded(
        self, records: Sequence[Database], holdings: Sequence[Holding]
    ) -> list[Drift]:
        """What two looks agree about."""
        found = misrecorded(records, holdings, self.clock.now())
        if not found:
            return []
        await self.clock.sleep(LAG)
        again = misrecorded(records, await self.provider.inventory(), self.clock.now())
        return [drift for drift in found if drift in again]

    async def _live(self) -> dict[str, Database]:
        """Looked up before the inventory: what was ready by then has to be in it."""
        query = Query(states=LIVE, target=self.target.name, limit=PAGE)
        return {record.id: record for record in await every(self.registry, query)}

    async def _of_others(
        self, holdings: Sequence[Holding], known: dict[str, Database]
    ) -> dict[str, Database]:
        """The records of what is held and was not live. Looked up after the inventory: a record is
        written before anything is made."""
        found = {}
        for database_id in {holding.id for holding in holdings} - known.keys():
            try:
                found[database_id] = await self.registry.get(database_id)
            except DatabaseNotFound:
                continue
        return found

    def _chore(self, drift: Drift, records: Mapping[str, Database]) -> Chore:
        name = legible(drift.names.database or drift.names.owner)
        match drift.kind:
            case Upkeep.ADOPT | Upkeep.RENAME if not drift.is_recordable:
                return Chore(drift.kind, drift.id, name, None, UNRECORDABLE)
            case Upkeep.MISS | Upkeep.DOUBT:
                return Chore(drift.kind, drift.id, name, None, REMARKS[drift.kind])
            case Upkeep.ADOPT:
                do = partial(self._adopt, drift)
            case Upkeep.REMOVE:
                remark = TOMBSTONE if drift.is_tombstone else ""
                return Chore(drift.kind, drift.id, name, partial(self._remove, drift), remark)
            case Upkeep.RENAME:
                record = records[drift.id]
                do = partial(self._correct, record, record.found_as(drift.names))
            case _:  # it is forgotten, not dropped: it may be there all the same, and not be listed
                record = records[drift.id]
                do = partial(self._correct, record, record.lost())
        return Chore(drift.kind, drift.id, name, do)

    async def _adopt(self, drift: Drift) -> bool:
        """Make a record for what has none, or take back what was forgotten too early."""
        async with self.leases.held(drift.id) as is_mine:
            if not is_mine:
                return False
            try:
                record = await self.registry.get(drift.id)
            except DatabaseNotFound:
                await self.registry.add(self._adopted(drift))
                return True
            is_ours = record.is_lost and record.target.name == self.target.name
            if is_ours:
                await self.registry.update(record.found_again(drift.names))
            return is_ours

    def _adopted(self, drift: Drift) -> Database:
        """So that it is listed and can be deleted. Its password may be a later one than the first:
        after a rotation it is known again."""
        return Database(
            id=drift.id,
            nickname=Nickname(drift.names.database),
            names=drift.names,
            target=self.target,
            state=State.READY,
            created_at=made_at(drift.id),
        )

    async def _remove(self, drift: Drift) -> bool | str:
        async with self.leases.held(drift.id) as is_mine:
            if not is_mine or await self._is_live(drift.id):
                return False
            tombstone = await self.provider.delete(Tenant(id=drift.id, names=drift.names))
            return tombstone.reason if tombstone else True

    async def _is_live(self, database_id: str) -> bool:
        try:
            return not (await self.registry.get(database_id)).is_gone
        except DatabaseNotFound:
            return False

    async def _correct(self, record: Database, corrected: Database) -> bool:
        """The record alone, unless it changed since it was compared."""
        async with self.leases.held(record.id) as is_mine:
            current = await self.registry.get(record.id)
            if not is_mine or current.version != record.version:
                return False
            await self.registry.update(corrected)
            return True
