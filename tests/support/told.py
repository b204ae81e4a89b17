"""The answers that callers got about their databases, and checks that they still hold."""

from dataclasses import dataclass, field
from datetime import datetime

from domain.connection import Connection
from domain.database import Database
from domain.request import REMEMBERED
from domain.states import State
from ports.driving.vended import Vended


@dataclass
class Told:
    """`connection` is None once a new password was asked for and not answered; `ends` is the
    earliest end that it may have; `is_doubtful` says that it may be expired or dropped."""

    connection: Connection | None
    ends: datetime | None
    is_doubtful: bool = False
    is_deleted: bool = False


@dataclass
class Answers:
    """All answers so far, by id, and by caller and idempotency key."""

    told: dict[str, Told] = field(default_factory=dict)
    keys: dict[tuple[str, str], Database] = field(default_factory=dict)

    def handed_out(self, vended: Vended) -> None:
        """Record that this connection must work from now on."""
        database = vended.database
        former = self.told.get(database.id)
        assert not (former and former.is_deleted), f"came back: {database}"
        self.told[database.id] = Told(vended.connection, database.expires_at)

    def key_used(self, caller: str, key: str, now: datetime) -> None:
        """Forget an idempotency key that is used again after it has expired."""
        former = self.keys.get((caller, key))
        if former and former.created_at + REMEMBERED <= now:
            del self.keys[caller, key]

    def key_answered(self, caller: str, key: str, database: Database) -> None:
        """Check that the same key returns the same database while it exists."""
        former = self.keys.get((caller, key), database)
        told = self.told.get(former.id)
        assert former.id == database.id or told is None or told.is_doubtful, (former, database)
        self.keys[caller, key] = database

    def rotation_asked(self, database_id: str) -> None:
        if told := self.told.get(database_id):
            told.connection = None

    def end_asked(self, database_id: str, ends: datetime) -> None:
        if told := self.told.get(database_id):
            told.ends = min(told.ends or ends, ends)

    def end_answered(self, database: Database) -> None:
        if told := self.told.get(database.id):
            told.ends = database.expires_at

    def deletion_asked(self, database_id: str) -> None:
        if told := self.told.get(database_id):
            told.is_doubtful = True

    def deletion_answered(self, database_id: str) -> None:
        if told := self.told.get(database_id):
            told.is_deleted = True

    def swept(self, now: datetime) -> None:
        """Record that databases past their expiry can have ended."""
        for told in self.told.values():
            if told.ends and told.ends <= now:
                told.is_doubtful = True


def assert_kept(told: Told, record: Database, *, is_accepted: bool) -> None:
    """Check the record; `is_accepted` is whether the latest connection still logs in."""
    if told.is_deleted:
        assert record.is_gone, record
    elif not told.is_doubtful:
        assert record.state is State.READY, record
        assert is_accepted or told.connection is None, record
