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
class AnswerLog:
    """All answers so far, by id, and by caller and idempotency key."""

    expected: dict[str, ExpectedDatabase] = field(default_factory=dict)
    keys: dict[tuple[str, str], Database] = field(default_factory=dict)

    def expect_connection(self, provisioned: ProvisionedDatabase) -> None:
        """Expect this connection to work from now on."""
        database = provisioned.database
        former = self.expected.get(database.id)
        assert not (former and former.is_deleted), f"came back: {database}"
        self.expected[database.id] = ExpectedDatabase(provisioned.connection, database.expires_at)

    def forget_outdated_key(self, caller: str, key: str, now: datetime) -> None:
        """Forget a key that is used after its time: it is new then, whatever the result."""
        former = self.keys.get((caller, key))
        if former and former.created_at + RETENTION <= now:
            del self.keys[caller, key]

    def check_key_answer(self, caller: str, key: str, database: Database) -> None:
        """Check that a key returns the same database until that is gone."""
        former = self.keys.get((caller, key), database)
        expected = self.expected.get(former.id)
        assert former.id == database.id or expected is None or expected.is_doubtful, (
            former,
            database,
        )
        self.keys[caller, key] = database

    def expect_rotation(self, database_id: str) -> None:
        if expected := self.expected.get(database_id):
            expected.connection = None

    def expect_earlier_end(self, database_id: str, ends: datetime) -> None:
        if expected := self.expected.get(database_id):
            expected.ends = min(expected.ends or ends, ends)

    def expect_end(self, database: Database) -> None:
        if expected := self.expected.get(database.id):
            expected.ends = database.expires_at

    def expect_deletion(self, database_id: str) -> None:
        if expected := self.expected.get(database_id):
            expected.is_doubtful = True

    def expect_deleted(self, database_id: str) -> None:
        if expected := self.expected.get(database_id):
            expected.is_deleted = True

    def mark_expired(self, now: datetime) -> None:
        """Mark databases past their expiry: the reconciler may have expired them."""
        for expected in self.expected.values():
            if expected.ends and expected.ends <= now:
                expected.is_doubtful = True


def assert_matches_answers(
    expected: ExpectedDatabase, record: Database, *, is_accepted: bool
) -> None:
    """Check the record. `is_accepted` says whether the last connection still works."""
    if expected.is_deleted:
        assert record.is_gone, record
    elif not expected.is_doubtful:
        assert record.state is State.READY, record
        assert is_accepted or expected.connection is None, record
