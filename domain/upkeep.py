"""What the sweep has to do: for records whose time has come, and where they differ from reality."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.database import Database
from domain.identity import is_id, made_at
from domain.naming import Names
from domain.order import Holding
from domain.states import LIVE, State
from domain.steps import Work
from domain.text import is_plain
from domain.transitions import is_expiring, is_restoring

SETTLED = timedelta(hours=1)
"""What is younger may be another service's that is being made, and what changed since may not be
listed yet: neither is touched."""


READY_WORKS = (Work.ROTATE, Work.ADD_EXTENSION, Work.CONFINE, Work.RELEASE)
"""In this order: an extension is installed under the password that a rotation sets."""


class Upkeep(StrEnum):
    """What was found, named by what is done about it."""

    FINISH = "finish"  # half-made, and its caller can come back for it
    UNDO = "undo"  # half-made, and nobody can
    EXPIRE = "expire"
    ROTATE = "rotate"  # a rotation that was cut off
    ADD_EXTENSION = "add_extension"  # the same
    RESTORE = "restore"  # the same
    DELETE = "delete"  # promised to go
    WARN = "warn"  # larger than it may be
    CONFINE = "confine"  # it still is, and becomes read-only
    RELEASE = "release"  # it was, and has room again
    EXCEED = "exceed"  # it is read-only, and goes on growing
    ADOPT = "adopt"  # bears our mark, and no record knows it
    REMOVE = "remove"  # bears our mark, and its record says that it is gone
    FORGET = "forget"  # its record says that it is there, and it is not
    MISS = "miss"  # the same, but nothing as old is there either: perhaps it is another server
    DOUBT = "doubt"  # bears our mark, is not whole, and no record says what is to become of it
    RENAME = "rename"  # it is there under another name
    MEASURE = "measure"  # how large all are: told where that could not be done
    COMPARE = "compare"  # the records with what is there: told where that could not be done


def due(database: Database, now: datetime) -> Upkeep | None:
    """What has to be done for a record whose `wake_at` has come."""
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
    """A difference between the records and what the provider holds for one id."""

    kind: Upkeep
    id: str
    names: Names
    is_tombstone: bool = False

    @property
    def is_recordable(self) -> bool:
        """Whether a record may hold these names. Others rename databases as they like, and what
        we hand out is read by shells, terminals and configuration files."""
        return is_plain(self.names.database) and is_plain(self.names.owner)


def unrecorded(
    holdings: Sequence[Holding], records: Mapping[str, Database], now: datetime
) -> list[Drift]:
    """Return what exists without a record; `records` has those of all the ids. A record is written
    before a database is provisioned, and never deleted. A holding without one therefore belongs to
    another registry, or to a time before this one, and may hold data. Nobody knows what an
    incomplete holding is, and a young one may be another service's that is not complete yet. A
    database that was forgotten and is there again was only out of sight. A tombstone holds no data,
    and waits for nothing.
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
    """What is recorded as ready or expired and is not there, or not under its name.

    It is to be forgotten only beside something that is there and at least as old: else this may be
    another server, on which we have begun anew. What is young may not be listed yet.
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
