"""Records, and inventory items old enough to be compared with them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from domain.database import Database
from domain.ids import RANDOM_BYTES, new_id
from domain.lifecycle import Operation, State
from domain.names import PgNames
from domain.provisioning import InventoryItem
from domain.reconciliation import SETTLING_TIME
from tests.support.records import new_record

NOW = datetime(2026, 1, 2, tzinfo=UTC)
OLD_ENOUGH = NOW - SETTLING_TIME
YOUNG = OLD_ENOUGH + timedelta(milliseconds=1)

STATES_WITH_DATABASE = [State.READY, State.EXPIRED, State.TEMPLATE]
"""States in which the database and its owner must exist."""

Parts = tuple[str | None, str | None]
"""The names found for a database and its owner."""

parts = st.tuples(st.sampled_from([None, "renamed"]), st.sampled_from([None, "user_renamed"]))


def create_id(created_at: datetime, number: int = 0) -> str:
    return new_id(created_at, number.to_bytes(RANDOM_BYTES))


def record(state: State, number: int = 0, *, created_at: datetime = OLD_ENOUGH) -> Database:
    names = PgNames(database=f"sales{number}", owner=f"user_sales{number}")
    kept = replace(
        new_record(state=state, created_at=created_at),
        id=create_id(created_at, number),
        names=names,
        shape="shape" if state is State.SPARE else "",
    )
    return kept.complete(Operation.PROVISION, created_at)


def create_item(database: Database) -> InventoryItem:
    """Return the complete inventory item of the database."""
    return InventoryItem(
        id=database.id,
        database=database.names.database,
        owner=database.names.owner,
        is_spare=database.is_spare,
    )


def create_incomplete_item(database: Database, found: Parts) -> InventoryItem:
    return replace(create_item(database), database=found[0], owner=found[1])
