"""The answers that callers got, and what they may expect of their databases."""

from dataclasses import dataclass, field
from datetime import datetime

from domain.connection import Connection
from domain.database import Database
from domain.idempotency import RETENTION
from domain.lifecycle import State
from ports.use_cases.provisioned_database import ProvisionedDatabase


@dataclass
class ExpectedDatabase:
    """`connection` is None after a rotation without an answer; `ends` is the earliest possible
    expiry; `is_doubtful` says that the database may be expired or deleted."""

    connection: Connection | None
    ends: datetime | None
    is_doubtful: bool = False
    is_deleted: bool = False


@dataclass
class AnsweredRequests:
    """All answers until now, by id, and by caller and idempotency key."""

    expected: dict[str, ExpectedDatabase] = field(default_factory=dict)
    keys: dict[tuple[str, str], Database] = field(default_factory=dict)

    def expect_connection(self, provisioned: ProvisionedDatabase) -> None:
        """Expect this connection to work from now on."""
        database = provisioned.database
        former = self.expected.get(database.id)
        assert not (former and former.is_deleted), f"came back: {database}"
        self.expected[database.id] = ExpectedDatabase(provisioned.connection, database.expires_at)

    def forget_expired_key(self, caller: str, key: str, now: datetime) -> None:
        """Forget a key that is used after its time: it is new then, whatever the result."""
        former = self.keys.get((caller, key))
        if former and former.created_at + RETENTION <= now:
            del self.keys[caller, key]

    def record_key(self, caller: str, key: str, database: Database) -> None:
        """Check that a key returns the same database until that is gone."""
        former = self.keys.get((caller, key), database)
        expected = self.expected.get(former.id)
        assert former.id == database.id or expected is None or expected.is_doubtful, (
            former,
            database,
        )
        self.keys[caller, key] = database

    def request_rotation(self, database_id: str) -> None:
        if expected := self.expected.get(database_id):
            expected.connection = None

    def request_expiry(self, database_id: str, ends: datetime) -> None:
        if expected := self.expected.get(database_id):
            expected.ends = min(expected.ends or ends, ends)

    def record_expiry(self, database: Database) -> None:
        if expected := self.expected.get(database.id):
            expected.ends = database.expires_at

    def request_deletion(self, database_id: str) -> None:
        if expected := self.expected.get(database_id):
            expected.is_doubtful = True

    def record_deletion(self, database_id: str) -> None:
        if expected := self.expected.get(database_id):
            expected.is_deleted = True

    def mark_expired(self, now: datetime) -> None:
        """Mark databases past their expiry: the reconciler may have expired them."""
        for expected in self.expected.values():
            if expected.ends and expected.ends <= now:
                expected.is_doubtful = True


def assert_as_answered(expected: ExpectedDatabase, record: Database, *, is_accepted: bool) -> None:
    """Check the record. `is_accepted` says whether the last connection still works."""
    if expected.is_deleted:
        assert record.is_gone, record
    elif not expected.is_doubtful:
        assert record.state is State.READY, record
        assert is_accepted or expected.connection is None, record
