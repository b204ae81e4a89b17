"""Reconciliation: actions for records that are due, and drift between records and provider."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.database import Database
from domain.ids import created_at_from_id, is_id
from domain.lifecycle import LIVE, Operation, State
from domain.names import PgNames
from domain.provisioning import InventoryItem
from domain.spares import is_claimable
from domain.templates import is_ready_template
from domain.text import is_plain
from domain.transitions import is_expiring, is_restoring

SETTLING_TIME = timedelta(hours=1)
"""The minimum age before drift is reported. A younger database may be one that another service is
provisioning, and a recent change may not be listed yet."""

READY_OPERATIONS = (
    Operation.ROTATE,
    Operation.ADD_EXTENSION,
    Operation.SET_READ_ONLY,
    Operation.CLEAR_READ_ONLY,
)
"""In this order: an extension is installed with the password that a rotation sets."""


class ReconcileAction(StrEnum):
    """Actions of the reconciler, and findings that it only reports."""

    FINISH = "finish"  # creation was interrupted; the caller can ask for it again
    UNDO = "undo"  # creation was interrupted; the caller cannot ask for it again
    FINISH_TEMPLATE = "finish_template"  # creation of a template was interrupted
    EXPIRE = "expire"
    ROTATE = "rotate"  # the rotation was interrupted
    ADD_EXTENSION = "add_extension"  # the installation was interrupted
    RESTORE = "restore"  # the restore was interrupted
    DELETE = "delete"  # the deletion was requested
    DELETE_SPARE = "delete_spare"  # the filling of a spare was interrupted
    WARN = "warn"  # the size exceeds the limit
    SET_READ_ONLY = "set_read_only"  # the size still exceeds the limit
    CLEAR_READ_ONLY = "clear_read_only"  # the size is below the limit again
    REPORT_OVERSIZE = "report_oversize"  # read-only, and still growing: reported only
    IMPORT = "import"  # orphaned: has the mark, and no record
    DELETE_LEFTOVER = "delete_leftover"  # leftover: recorded as deleted, still present
    MARK_MISSING = "mark_missing"  # missing: recorded as present, does not exist
    REPORT_MISSING = "report_missing"  # missing, but this may be another server: reported only
    REPORT_INCOMPLETE = "report_incomplete"  # incomplete, and no record: reported only
    RENAME = "rename"  # renamed on the server
    MEASURE = "measure"  # reported if the sizes cannot be measured
    COMPARE = "compare"  # reported if the inventory cannot be listed


_ACTIONS: Mapping[State, ReconcileAction] = {
    State.DELETING: ReconcileAction.DELETE,
    State.TEMPLATE: ReconcileAction.FINISH_TEMPLATE,
}
"""The actions for all records in these states that are due."""


def find_due_action(database: Database, now: datetime) -> ReconcileAction | None:
    """Return the action for a record whose `wake_at` has passed."""
    if is_restoring(database, now):
        return ReconcileAction.RESTORE
    if is_expiring(database, now):
        return ReconcileAction.EXPIRE
    return _find_pending_action(database)


def _find_pending_action(database: Database) -> ReconcileAction | None:
    match database.state:
        case State.PROVISIONING:
            return ReconcileAction.FINISH if database.resumable else ReconcileAction.UNDO
        case State.READY:
            operations = filter(database.is_pending, READY_OPERATIONS)
            return next((ReconcileAction(operation.value) for operation in operations), None)
        case State.SPARE if not database.is_idle:
            return ReconcileAction.DELETE_SPARE
    return _ACTIONS.get(database.state)


@dataclass(frozen=True, slots=True)
class Drift:
    """A difference between record and provider for one id, and the action that resolves it."""

    action: ReconcileAction
    id: str
    names: PgNames
    is_tombstone: bool = False
    is_spare: bool = False

    @property
    def is_recordable(self) -> bool:
        """Return whether a record may contain these names. Users of the server can rename
        databases, and shells, terminals and configuration files parse the names."""
        return is_plain(self.names.database) and is_plain(self.names.owner)


def find_item_drift(
    items: Sequence[InventoryItem], records: Mapping[str, Database], now: datetime
) -> list[Drift]:
    """Return the drift of items that no live record covers; `records` has the records of all ids.

    A record is written before a database is provisioned, and is never deleted. An item without a
    record therefore belongs to another registry, or is older than this registry, and may contain
    data. An incomplete item without a record is only reported, and a young one may belong to
    another service that is still provisioning it. A database that was marked as missing and exists
    again is imported. A tombstone contains no data and can be dropped at once.

    A spare contains no data either: without a record it is a leftover. A database without the mark
    of a spare, whose record is that of a spare, was claimed; a registry that was restored from a
    backup does not know that, and the database is imported.
    """
    drifts = (_compare_item(item, records.get(item.id), now) for item in items)
    return [drift for drift in drifts if drift]


def _compare_item(item: InventoryItem, record: Database | None, now: datetime) -> Drift | None:
    known = record.names if record else PgNames(database="", owner="")
    names = PgNames(item.database or known.database, item.owner or known.owner)
    if item.is_tombstone and (record is None or record.is_gone):
        return Drift(ReconcileAction.DELETE_LEFTOVER, item.id, names, is_tombstone=True)
    if item.is_spare:
        is_leftover = record.is_gone if record else _is_settled(item, now)
        leftover = Drift(ReconcileAction.DELETE_LEFTOVER, item.id, names, is_spare=True)
        return leftover if is_leftover else None
    if (record is None and _is_settled(item, now)) or (record and _was_claimed(item, record)):
        is_whole = item.database and item.owner
        return Drift(
            ReconcileAction.IMPORT if is_whole else ReconcileAction.REPORT_INCOMPLETE,
            item.id,
            names,
        )
    if record and record.is_missing:
        return Drift(
            ReconcileAction.IMPORT if item.database else ReconcileAction.REPORT_INCOMPLETE,
            item.id,
            names,
        )
    if record and record.is_gone:
        return Drift(ReconcileAction.DELETE_LEFTOVER, item.id, names)
    return None


def _was_claimed(item: InventoryItem, record: Database) -> bool:
    return record.is_spare and not (item.is_spare or item.is_tombstone)


def find_claimed_before(
    items: Sequence[InventoryItem], spares: Sequence[Database]
) -> frozenset[str]:
    """Return the ids of the spares whose databases lost the mark of a spare."""
    by_id = {spare.id: spare for spare in spares}
    return frozenset(
        item.id for item in items if item.id in by_id and _was_claimed(item, by_id[item.id])
    )


def _is_settled(item: InventoryItem, now: datetime) -> bool:
    return is_id(item.id) and created_at_from_id(item.id) + SETTLING_TIME <= now


def find_record_drift(
    records: Collection[Database], items: Sequence[InventoryItem], now: datetime
) -> list[Drift]:
    """Return the drift of records that are ready, expired or templates, but whose database does
    not exist or has another name, and of spares that do not exist.

    A database is marked as missing only if one that is at least as old exists: otherwise this may
    be another server. A spare contains no data, and is always marked. A recent change may not be
    listed yet.
    """
    items_by_id: dict[str, list[InventoryItem]] = {}
    for item in items:
        items_by_id.setdefault(item.id, []).append(item)
    present = [record for record in records if record.state in LIVE and record.id in items_by_id]
    oldest = min((record.created_at for record in present), default=None)
    drifts = (
        _compare_record(record, items_by_id.get(record.id, []), oldest, now) for record in records
    )
    return [drift for drift in drifts if drift]


def _compare_record(
    record: Database, items: Sequence[InventoryItem], oldest: datetime | None, now: datetime
) -> Drift | None:
    is_spare, is_database = is_claimable(record), record.state in {State.READY, State.EXPIRED}
    if not (is_spare or is_database or is_ready_template(record)):
        return None
    # a server that was restored from a backup may show a spare that was claimed since
    names = [item.database for item in items if item.database and (is_spare or not item.is_spare)]
    if not names:
        if now < record.changed_at + SETTLING_TIME:
            return None
        is_certain = is_spare or (oldest and oldest <= record.created_at)
        return Drift(
            ReconcileAction.MARK_MISSING if is_certain else ReconcileAction.REPORT_MISSING,
            record.id,
            record.names,
        )
    if record.names.database not in names and not is_spare:
        name = next(filter(is_plain, names), names[0])
        return Drift(ReconcileAction.RENAME, record.id, PgNames(name, record.names.owner))
    return None
