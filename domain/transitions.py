"""The transitions that deletion, expiry, exports, restoration and the claim of a spare require."""

from dataclasses import replace
from datetime import datetime, timedelta

from domain.database import Database
from domain.errors import IllegalTransition, InFlight
from domain.exports import is_overdue
from domain.lifecycle import Operation, State


def start_deletion(database: Database, now: datetime) -> Database:
    """Return the record of a database that is to be deleted. Raises IllegalTransition."""
    return database.transition_to(State.DELETING).start(Operation.DELETE, now)


def claim_spare(spare: Database, draft: Database) -> Database:
    """Return the record that turns the spare into the database of the draft, which was not stored.

    The id and the password are the spare's. The names are those of the draft, unless these are
    opaque: then the spare has such names already. Provisioning is started, in a history of its own.
    """
    return replace(
        draft,
        id=spare.id,
        names=spare.names if draft.has_opaque_names else draft.names,
        rotation=spare.rotation,
        secret=spare.secret,
        nonce=spare.nonce,
        source=spare.source,
        version=spare.version,
    )


def is_expiring(database: Database, now: datetime) -> bool:
    """Return whether the expiry has passed and the database has not been deleted since."""
    return database.state in {State.READY, State.EXPIRED} and database.is_past_expiry(now)


def start_expiry(
    database: Database, now: datetime, grace: timedelta, patience: timedelta | None = None
) -> Database | None:
    """Return the record with the transition that its expiry requires, or None.

    Within the grace period a ready database is suspended; afterwards it is deleted. A restoration
    whose new expiry has passed as well is cancelled, and the database is suspended again, because
    the restoration may have reopened it.

    With `patience`, a database is suspended and exported before it is deleted, and deleted without
    an export if that fails for so long; None exports nothing.
    """
    if not is_expiring(database, now):
        return None
    is_over = database.is_past_expiry(now - grace)
    if is_over and (patience is None or is_overdue(database, now, patience)):
        return start_deletion(database, now)
    if database.state is State.READY:
        return database.transition_to(State.EXPIRED).start(Operation.SUSPEND, now)
    if database.is_pending(Operation.RESTORE):
        return database.complete(Operation.RESTORE, now).start(Operation.SUSPEND, now)
    return database.start(Operation.EXPORT, now) if is_over and database.is_idle else None


def is_suspending(database: Database, now: datetime) -> bool:
    """Return whether the database is to be suspended. One that is being restored is not."""
    is_expired = database.state is State.EXPIRED and is_expiring(database, now)
    return is_expired and database.is_pending(Operation.SUSPEND)


def complete_suspension(database: Database, now: datetime, grace: timedelta) -> Database | None:
    """Return the record of a suspended database, to be deleted when the grace period ends. Return
    None if the database was deleted or restored meanwhile."""
    if database.expires_at is None or not is_suspending(database, now):
        return None
    return database.complete(Operation.SUSPEND, now, database.expires_at + grace)


def is_exporting(database: Database, now: datetime) -> bool:
    """Return whether the database is to be exported. One that is being restored is not."""
    is_expired = database.state is State.EXPIRED and is_expiring(database, now)
    return is_expired and database.is_pending(Operation.EXPORT)


def complete_export(database: Database, now: datetime, file: str) -> Database | None:
    """Return the record of a database that was exported to the file, to be deleted. Return None if
    it was deleted or restored meanwhile."""
    if not is_exporting(database, now):
        return None
    exported = replace(database, export=file).complete(Operation.EXPORT, now)
    return start_deletion(exported, now)


def check_restorable(database: Database, now: datetime) -> None:
    """Raise InFlight while the database is expiring, and IllegalTransition unless it is expired."""
    if database.state is State.READY and database.is_past_expiry(now):
        raise InFlight("The database is expiring now; retry soon.")
    if database.state is not State.EXPIRED:
        raise IllegalTransition(
            f"Database {database.id} is {database.state}; only an expired one can be restored."
        )


def start_restoration(database: Database, now: datetime, expires_at: datetime | None) -> Database:
    """Return the record of a database that is to be restored, with its new expiry. That supersedes
    a pending export."""
    if database.is_pending(Operation.EXPORT):
        database = database.complete(Operation.EXPORT, now)
    return replace(database.start(Operation.RESTORE, now), expires_at=expires_at)


def is_restoring(database: Database, now: datetime) -> bool:
    """Return whether a restoration was started, and its new expiry has not passed."""
    is_started = database.state is State.EXPIRED and database.is_pending(Operation.RESTORE)
    return is_started and not database.is_past_expiry(now)


def complete_restoration(database: Database, now: datetime) -> Database:
    """Return the record of a restored database. The restoration also completes a pending rotation
    and supersedes a pending suspension. Raises IllegalTransition if the database was deleted
    meanwhile."""
    database = database.transition_to(State.READY)
    for operation in (Operation.ROTATE, Operation.END_SESSIONS, Operation.SUSPEND):
        if database.is_pending(operation):
            database = database.complete(operation, now)
    return database.complete(Operation.RESTORE, now)


def has_same_password(one: Database, other: Database) -> bool:
    """Return whether the passwords of two versions of a record derive from the same values."""
    return (one.secret, one.rotation, one.nonce) == (other.secret, other.rotation, other.nonce)
