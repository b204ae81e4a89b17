"""Records and what a provider holds of them, old enough to be compared."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from domain.database import Database
from domain.identity import RANDOM_BYTES, new_id
from domain.naming import Names
from domain.order import Holding
from domain.states import State
from domain.steps import Work
from domain.upkeep import SETTLED
from tests.support.records import new_record

NOW = datetime(2026, 1, 2, tzinfo=UTC)
OLD = NOW - SETTLED
YOUNG = OLD + timedelta(milliseconds=1)

SOMETHING = [State.READY, State.EXPIRED]
"""The states in which all of a database has to be there."""

Parts = tuple[str | None, str | None]
"""What is found of a database: it, and its owner."""

parts = st.tuples(st.sampled_from([None, "renamed"]), st.sampled_from([None, "user_renamed"]))


def id_of(made: datetime, number: int = 0) -> str:
    return new_id(made, number.to_bytes(RANDOM_BYTES))


def record(state: State, number: int = 0, *, made: datetime = OLD) -> Database:
    names = Names(database=f"sales{number}", owner=f"user_sales{number}")
    kept = replace(new_record(state=state, made=made), id=id_of(made, number), names=names)
    return kept.did(Work.PROVISION, made)


def holding(database: Database) -> Holding:
    """All that there is to be of it."""
    return Holding(id=database.id, database=database.names.database, owner=database.names.owner)
