"""Reconciliation: actions for records that are due, and drift between records and provider."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.database import Database
from domain.ids import is_id, made_at
from domain.lifecycle import Work
from domain.names import Names
from domain.provisioning import Holding
from domain.states import LIVE, State
from domain.text import is_plain
from domain.transitions import is_expiring, is_restoring

SETTLED = timedelta(hours=1)
"""The minimum age before drift is reported. A younger database may be one that another service is
provisioning, and a recent change may not be listed yet."""


READY_WORKS = (Work.ROTATE, Work.ADD_EXTENSION, Work.CONFINE, Work.RELEASE)
"""In this order: an extension is installed with the password that a rotation sets."""


class Upkeep(StrEnum):
    """Findings of a reconciliation, each named by its action."""

    FINISH = "finish"  # creation was interrupted; the caller can ask for it again
    UNDO = "undo"  # creation was interrupted; the caller cannot ask for it again
    EXPIRE = "expire"
    ROTATE = "rotate"  # the rotation was interrupted
    ADD_EXTENSION = "add_extension"  # the installation was interrupted
    RESTORE = "restore"  # the restore was interrupted
    DELETE = "delete"  # the deletion was requested
    WARN = "warn"  # the size exceeds the limit
    CONFINE = "confine"  # the size still exceeds the limit
    RELEASE = "release"  # the size is below the limit again
    EXCEED = "exceed"  # read-only, and still growing: reported only
    ADOPT = "adopt"  # orphaned: has the mark, and no record
    REMOVE = "remove"  # leftover: recorded as deleted, still present
    FORGET = "forget"  # missing: recorded as present, does not exist
    MISS = "miss"  # missing, but this may be another server: reported only
    DOUBT = "doubt"  # incomplete, and no record: reported only
    RENAME = "rename"  # renamed on the server
    MEASURE = "measure"  # reported if the sizes cannot be measured
    COMPARE = "compare"  # reported if the inventory cannot be listed


def due(database: Database, now: datetime) -> Upkeep | None:
    """Return the action for a record whose `wake_at` has passed."""
    if is_restoring(database, now):
        return Upkeep.RESTORE
    if is_expiring(database, now):
        return Upkeep.EXPIRE
    match database.state:
        case State.PROVISIONING:
            return Upkeep.FINISH if database.promised else Upkeep.UNDO
        case State.DELETING:
            return Upkeep.DELETE
        case State.READY:
            works = filter(database.is_pending, READY_WORKS)
            return next((Upkeep(work.value) for work in works), None)
    return None


@dataclass(frozen=True, slots=True)
class Drift:
    """A difference between record and provider for one id, and the action that resolves it."""

    kind: Upkeep
    id: str
    names: Names
    is_tombstone: bool = False

    @property
    def is_recordable(self) -> bool:
        """Return whether a record may contain these names. Users of the server can rename
        databases, and shells, terminals and configuration files parse the names."""
        return is_plain(self.names.database) and is_plain(self.names.owner)


def unrecorded(
    holdings: Sequence[Holding], records: Mapping[str, Database], now: datetime
) -> list[Drift]:
    """Return the drift of items that no live record covers; `records` has the records of all ids.

    A record is written before a database is provisioned, and is never deleted. An item without a
    record therefore belongs to another registry, or is older than this registry, and may contain
    data. An incomplete item without a record is only reported, and a young one may belong to
    another service that is still provisioning it. A database that was marked as missing and exists
    again is imported. A tombstone contains no data and can be dropped at once.
    """
    drifts = (_unrecorded(holding, records.get(holding.id), now) for holding in holdings)
    return [drift for drift in drifts if drift]


def _unrecorded(holding: Holding, record: Database | None, now: datetime) -> Drift | None:
    known = record.names if record else Names(database="", owner="")
    names = Names(holding.database or known.database, holding.owner or known.owner)
    if holding.is_tombstone and (record is None or record.is_gone):
        return Drift(Upkeep.REMOVE, holding.id, names, is_tombstone=True)
    if record is None and _is_settled(holding, now):
        is_whole = holding.database and holding.owner
        return Drift(Upkeep.ADOPT if is_whole else Upkeep.DOUBT, holding.id, names)
    if record and record.is_lost:
        return Drift(Upkeep.ADOPT if holding.database else Upkeep.DOUBT, holding.id, names)
    if record and record.is_gone:
        return Drift(Upkeep.REMOVE, holding.id, names)
    return None


def _is_settled(holding: Holding, now: datetime) -> bool:
    return is_id(holding.id) and made_at(holding.id) + SETTLED <= now


def misrecorded(
    records: Collection[Database], holdings: Sequence[Holding], now: datetime
) -> list[Drift]:
    """Return the drift of records that are ready or expired, but whose database does not exist or
    has another name.

    A database is marked as missing only if one that is at least as old exists: otherwise this may
    be another server. A recent change may not be listed yet.
    """
    held: dict[str, list[Holding]] = {}
    for holding in holdings:
        held.setdefault(holding.id, []).append(holding)
    there = [record for record in records if record.state in LIVE and record.id in held]
    since = min((record.created_at for record in there), default=None)
    drifts = (_misrecorded(record, held.get(record.id, []), since, now) for record in records)
    return [drift for drift in drifts if drift]


def _misrecorded(
    record: Database, holdings: Sequence[Holding], since: datetime | None, now: datetime
) -> Drift | None:
    if record.state not in {State.READY, State.EXPIRED}:
        return None
    names = [holding.database for holding in holdings if holding.database]
    if not names:
        if now < record.changed_at + SETTLED:
            return None
        is_certain = since and since <= record.created_at
        return Drift(Upkeep.FORGET if is_certain else Upkeep.MISS, record.id, record.names)
    if record.names.database not in names:
        name = next(filter(is_plain, names), names[0])
        return Drift(Upkeep.RENAME, record.id, Names(name, record.names.owner))
    return None
