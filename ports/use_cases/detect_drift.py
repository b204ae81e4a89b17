"""Detect and repair drift: differences between the records and the provider."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from domain.database import Database
from domain.errors import DatabaseNotFound, StaleRecord
from domain.ids import created_at_from_id
from domain.lifecycle import LIVE, State
from domain.names import Nickname
from domain.provisioning import InventoryItem, Tenant
from domain.reconciliation import Drift, ReconcileAction, find_item_drift, find_record_drift
from domain.spares import from_forgotten_claim
from domain.targets import Target
from domain.text import escape_unprintable
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.leases import Leases
from ports.driven.registry import Query, Registry
from ports.use_cases.reconcile_tasks import ReconcileTask, Run
from ports.use_cases.records import search_all

PAGE = 1000

LAG = 5.0
"""Seconds after which a list is up to date: those of Neon may lag behind."""

REMARKS: Mapping[ReconcileAction, str] = {
    ReconcileAction.REPORT_MISSING: (
        "It does not exist on the server, and nothing as old with our mark does: is this the right "
        "server? If it is, delete the database."
    ),
    ReconcileAction.REPORT_INCOMPLETE: (
        "It has our mark and is incomplete: if it is not needed, delete the database, or drop it "
        "on the server if it has no record."
    ),
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

    async def __call__(self) -> list[ReconcileTask]:
        """Return the tasks. Raises Unavailable, and what the provider's `inventory` raises."""
        before = await self._list_live()
        items = await self.provider.inventory()
        records = before | await self._get_other_records(items, before)
        drifts = find_item_drift(items, records, self.clock.now())
        drifts += await self._find_record_drift(list(before.values()), items)
        return [self._create_task(drift, before) for drift in drifts]

    async def _find_record_drift(
        self, records: Sequence[Database], items: Sequence[InventoryItem]
    ) -> list[Drift]:
        """Return the drift that two inventories show."""
        found = find_record_drift(records, items, self.clock.now())
        if not found:
            return []
        await self.clock.sleep(LAG)
        again = find_record_drift(records, await self.provider.inventory(), self.clock.now())
        return [drift for drift in found if drift in again]

    async def _list_live(self) -> dict[str, Database]:
        """Return the live records. Read before the inventory, which has to show them then."""
        query = Query(states=LIVE, target=self.target.name, limit=PAGE)
        return {record.id: record for record in await search_all(self.registry, query)}

    async def _get_other_records(
        self, items: Sequence[InventoryItem], known: dict[str, Database]
    ) -> dict[str, Database]:
        """Return the records of the other items. Read after the inventory: a record is written
        before anything is provisioned."""
        found = {}
        for database_id in {item.id for item in items} - known.keys():
            try:
                found[database_id] = await self.registry.get(database_id)
            except DatabaseNotFound:
                continue
        return found

    def _create_task(self, drift: Drift, records: Mapping[str, Database]) -> ReconcileTask:
        name = escape_unprintable(drift.names.database or drift.names.owner)
        run: Run
        match drift.action:
            case ReconcileAction.IMPORT | ReconcileAction.RENAME if not drift.is_recordable:
                return ReconcileTask(drift.action, drift.id, name, None, UNRECORDABLE)
            case ReconcileAction.REPORT_MISSING | ReconcileAction.REPORT_INCOMPLETE:
                return ReconcileTask(drift.action, drift.id, name, None, REMARKS[drift.action])
            case ReconcileAction.IMPORT:
                run = partial(self._import, drift)
            case ReconcileAction.DELETE_LEFTOVER:
                detail = TOMBSTONE if drift.is_tombstone else ""
                run = partial(self._delete, drift)
                return ReconcileTask(
                    drift.action, drift.id, name, run, detail, is_audited=not drift.is_spare
                )
            case ReconcileAction.RENAME:
                record = records[drift.id]
                run = partial(self._correct, record, record.accept_rename(drift.names))
            case _:  # only the record changes: the database may exist and not be listed
                record = records[drift.id]
                run = partial(self._correct, record, record.mark_missing())
                return ReconcileTask(
                    drift.action, drift.id, name, run, is_audited=not record.is_spare
                )
        return ReconcileTask(drift.action, drift.id, name, run)

    async def _import(self, drift: Drift) -> bool:
        """Add a record, or correct that of a database that was marked as missing and is not, or of
        a spare that was claimed."""
        async with self.leases.acquire(drift.id) as is_acquired:
            if not is_acquired:
                return False
            try:
                record = await self.registry.get(drift.id)
            except DatabaseNotFound:
                await self.registry.add(self._new_record(drift))
                return True
            if record.target.name != self.target.name:
                return False
            if record.is_spare:
                await self.registry.update(from_forgotten_claim(record, drift.names))
            elif record.is_missing:
                await self.registry.update(record.mark_found(drift.names))
            return record.is_spare or record.is_missing

    def _new_record(self, drift: Drift) -> Database:
        """Return a record with which the database is listed and can be deleted. If its password was
        rotated before, it is unknown until the next rotation."""
        return Database(
            id=drift.id,
            nickname=Nickname(drift.names.database),
            names=drift.names,
            target=self.target,
            state=State.READY,
            created_at=created_at_from_id(drift.id),
        )

    async def _delete(self, drift: Drift) -> bool | str:
        async with self.leases.acquire(drift.id) as is_acquired:
            if not is_acquired:
                return False
            tenant = Tenant(id=drift.id, names=drift.names, is_spare=drift.is_spare)
            with suppress(StaleRecord):
                tombstone = await self.provider.delete(tenant, partial(self._check_gone, drift.id))
                return tombstone.reason if tombstone else True
            return False

    async def _check_gone(self, database_id: str) -> None:
        """Raise StaleRecord if the record is that of a database that exists."""
        with suppress(DatabaseNotFound):
            if not (await self.registry.get(database_id)).is_gone:
                raise StaleRecord

    async def _correct(self, record: Database, corrected: Database) -> bool:
        """Correct the record only, unless it changed since the comparison."""
        async with self.leases.acquire(record.id) as is_acquired:
            current = await self.registry.get(record.id)
            if not is_acquired or current.version != record.version:
                return False
            await self.registry.update(corrected)
            return True
