"""Detect and repair drift: differences between the records and the provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from domain.database import Database
from domain.errors import DatabaseNotFound
from domain.ids import made_at
from domain.names import Nickname
from domain.provisioning import Holding, Tenant
from domain.reconciliation import Drift, Upkeep, misrecorded, unrecorded
from domain.states import LIVE, State
from domain.targets import Target
from domain.text import legible
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.leases import Leases
from ports.driven.registry import Query, Registry
from ports.use_cases.reconcile_task import Chore
from ports.use_cases.records import every

PAGE = 1000

LAG = 5.0
"""Seconds after which a list is up to date: those of Neon may lag behind."""

REMARKS: Mapping[Upkeep, str] = {
    Upkeep.MISS: "It does not exist on the server, and nothing as old with our mark does: is this "
    "the right server? If it is, delete the database.",
    Upkeep.DOUBT: "It has our mark and is incomplete: if it is not needed, delete the database, or "
    "drop it on the server if there is no record of it.",
}

UNRECORDABLE = (
    "Its name has control characters and cannot be recorded; an existing record keeps the former "
    "name. Rename the database on its server."
)
TOMBSTONE = "A tombstone: the role of a deleted database, to which objects of others refer."


@dataclass(frozen=True, kw_only=True)
class DetectDrift:
    """A database that may hold data is deleted only if its record says that it is gone."""

    registry: Registry
    provider: DatabaseProvider
    leases: Leases
    clock: Clock
    target: Target

    async def __call__(self) -> list[Chore]:
        """Return the tasks. Raises Unavailable, and what the provider's `inventory` raises."""
        before = await self._list_live()
        holdings = await self.provider.inventory()
        records = before | await self._get_other_records(holdings, before)
        drifts = unrecorded(holdings, records, self.clock.now())
        drifts += await self._find_misrecorded(list(before.values()), holdings)
        return [self._create_task(drift, before) for drift in drifts]

    async def _find_misrecorded(
        self, records: Sequence[Database], holdings: Sequence[Holding]
    ) -> list[Drift]:
        """Return the drift that two inventories show."""
        found = misrecorded(records, holdings, self.clock.now())
        if not found:
            return []
        await self.clock.sleep(LAG)
        again = misrecorded(records, await self.provider.inventory(), self.clock.now())
        return [drift for drift in found if drift in again]

    async def _list_live(self) -> dict[str, Database]:
        """Return the live records. Read before the inventory, which has to show them then."""
        query = Query(states=LIVE, target=self.target.name, limit=PAGE)
        return {record.id: record for record in await every(self.registry, query)}

    async def _get_other_records(
        self, holdings: Sequence[Holding], known: dict[str, Database]
    ) -> dict[str, Database]:
        """Return the records of the other items. Read after the inventory: a record is written
        before anything is provisioned."""
        found = {}
        for database_id in {holding.id for holding in holdings} - known.keys():
            try:
                found[database_id] = await self.registry.get(database_id)
            except DatabaseNotFound:
                continue
        return found

    def _create_task(self, drift: Drift, records: Mapping[str, Database]) -> Chore:
        name = legible(drift.names.database or drift.names.owner)
        match drift.kind:
            case Upkeep.ADOPT | Upkeep.RENAME if not drift.is_recordable:
                return Chore(drift.kind, drift.id, name, None, UNRECORDABLE)
            case Upkeep.MISS | Upkeep.DOUBT:
                return Chore(drift.kind, drift.id, name, None, REMARKS[drift.kind])
            case Upkeep.ADOPT:
                run = partial(self._import, drift)
            case Upkeep.REMOVE:
                detail = TOMBSTONE if drift.is_tombstone else ""
                return Chore(drift.kind, drift.id, name, partial(self._delete, drift), detail)
            case Upkeep.RENAME:
                record = records[drift.id]
                run = partial(self._correct, record, record.found_as(drift.names))
            case _:  # only the record changes: the database may exist and not be listed
                record = records[drift.id]
                run = partial(self._correct, record, record.lost())
        return Chore(drift.kind, drift.id, name, run)

    async def _import(self, drift: Drift) -> bool:
        """Add a record, or correct that of a database that was marked as missing and is not."""
        async with self.leases.held(drift.id) as is_mine:
            if not is_mine:
                return False
            try:
                record = await self.registry.get(drift.id)
            except DatabaseNotFound:
                await self.registry.add(self._new_record(drift))
                return True
            is_ours = record.is_lost and record.target.name == self.target.name
            if is_ours:
                await self.registry.update(record.found_again(drift.names))
            return is_ours

    def _new_record(self, drift: Drift) -> Database:
        """Return a record that lists the database and allows to delete it. Its password may have
        been rotated before and is then unknown until the next rotation."""
        return Database(
            id=drift.id,
            nickname=Nickname(drift.names.database),
            names=drift.names,
            target=self.target,
            state=State.READY,
            created_at=made_at(drift.id),
        )

    async def _delete(self, drift: Drift) -> bool | str:
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
        """Correct the record only, unless it changed since the comparison."""
        async with self.leases.held(record.id) as is_mine:
            current = await self.registry.get(record.id)
            if not is_mine or current.version != record.version:
                return False
            await self.registry.update(corrected)
            return True
