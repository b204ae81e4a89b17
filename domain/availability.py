"""Checks that a database can be used now, here."""

from datetime import datetime

from domain.database import Database
from domain.errors import IllegalTransition, InFlight, OtherTarget
from domain.lifecycle import Operation, State
from domain.targets import Target


def check_usable(database: Database, now: datetime) -> None:
    """Raise InFlight while the database is provisioning, and IllegalTransition unless it is
    ready and not past its expiry."""
    if database.state is State.PROVISIONING:
        raise InFlight(f"Database {database.id} is provisioning; retry soon.")
    if database.state is not State.READY or database.is_past_expiry(now):
        state = State.EXPIRED if database.state is State.READY else database.state
        raise IllegalTransition(f"Database {database.id} is {state}, not ready.")


def check_password_known(database: Database, now: datetime) -> None:
    """Raise as `check_usable` does, and InFlight while the valid password is not known."""
    check_usable(database, now)
    if database.is_pending(Operation.ROTATE):
        raise InFlight("The password is being rotated: repeat the request, or the rotation.")


def check_target(database: Database, target: Target) -> None:
    """Raise OtherTarget if the database is on another target: `target` knows nothing of it."""
    if database.target.name != target.name:
        raise OtherTarget(
            f"Database {database.id} is on {database.target.name!r}, and this service now uses "
            f"{target.name!r}; set PGVEND_PROVIDER back to reach it."
        )
