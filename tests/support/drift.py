"""Records, and inventory items old enough to be compared with them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from domain.database import Database
from domain.ids import RANDOM_BYTES, new_id
from domain.lifecycle import Work
from domain.names import Names
from domain.provisioning import Holding
from domain.reconciliation import SETTLED
from domain.states import State
from tests.support.records import new_record

NOW = datetime(2026, 1, 2, tzinfo=UTC)
OLD = NOW - SETTLED
YOUNG = OLD + timedelta(milliseconds=1)

SOMETHING = [State.READY, State.EXPIRED]
"""States in which the database and its owner must exist."""

Parts = tuple[str | None, str | None]
"""The names found for a database and its owner."""

parts = st.tuples(st.sampled_from([None, "renamed"]), st.sampled_from([None, "user_renamed"]))


def id_of(made: datetime, number: int = 0) -> str:
    return new_id(made, number.to_bytes(RANDOM_BYTES))


def record(state: State, number: int = 0, *, made: datetime = OLD) -> Database:
    names = Names(database=f"sales{number}", owner=f"user_sales{number}")
    kept = replace(new_record(state=state, made=made), id=id_of(made, number), names=names)
    return kept.did(Work.PROVISION, made)


def holding(database: Database) -> Holding:
    """Return the complete inventory item of the database."""
    return Holding(id=database.id, database=database.names.database, owner=database.names.owner)
