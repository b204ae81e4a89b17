"""The answers that callers got, and what they may expect of their databases."""

from dataclasses import dataclass, field
from datetime import datetime

from domain.connection import Connection
from domain.database import Database
from domain.idempotency import REMEMBERED
from domain.states import State
from ports.use_cases.provisioned_database import Vended


@dataclass
class Told:
    """`connection` is None after a rotation without an answer; `ends` is the earliest possible
    expiry; `is_doubtful` says that the database may be expired or deleted."""

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
        """Expect this connection to work from now on."""
        database = vended.database
        former = self.told.get(database.id)
        assert not (former and former.is_deleted), f"came back: {database}"
        self.told[database.id] = Told(vended.connection, database.expires_at)

    def key_used(self, caller: str, key: str, now: datetime) -> None:
        """Forget a key that is used after its time: it is new then, whatever the result."""
        former = self.keys.get((caller, key))
        if former and former.created_at + REMEMBERED <= now:
            del self.keys[caller, key]

    def key_answered(self, caller: str, key: str, database: Database) -> None:
        """Check that a key returns the same database until that is gone."""
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
        """Mark databases past their expiry: the reconciler may have expired them."""
        for told in self.told.values():
            if told.ends and told.ends <= now:
                told.is_doubtful = True


def assert_kept(told: Told, record: Database, *, is_accepted: bool) -> None:
    """Check the record. `is_accepted` says whether the last connection still works."""
    if told.is_deleted:
        assert record.is_gone, record
    elif not told.is_doubtful:
        assert record.state is State.READY, record
        assert is_accepted or told.connection is None, record
