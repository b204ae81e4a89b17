"""Rotate the password of a database; the old one stops working."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from domain.availability import check_target, check_usable
from domain.callers import ANYONE, Caller
from domain.connection import Connection
from domain.database import Database
from domain.errors import InFlight, StaleRecord
from domain.lifecycle import Operation, State
from domain.passwords import PasswordDeriver
from domain.reconciliation import ReconcileAction
from domain.targets import Target
from domain.transitions import has_same_password
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.leases import Leases
from ports.driven.randomness import Randomness
from ports.driven.registry import Registry
from ports.use_cases.pending_event import PendingEvent
from ports.use_cases.provisioned_database import ProvisionedDatabase
from ports.use_cases.records import (
    attempt,
    check_visible,
    confirm_that,
    draw_nonce,
    ensure_known_secret,
    explain_absence,
    update_record,
)


@dataclass(frozen=True, kw_only=True)
class RotatePassword:
    """The record has the nonce of the new password before the provider is called.

    The password derives from the record: an interrupted rotation sets the same password when it is
    finished, at any later time. If the secret that the record names is lost, it sets a new one.
    A call that lost its lease sets no password after another one has recorded the next.
    """

    actions: ClassVar = frozenset({ReconcileAction.ROTATE})

    registry: Registry
    provider: DatabaseProvider
    leases: Leases
    clock: Clock
    passwords: PasswordDeriver
    randomness: Randomness
    target: Target

    async def __call__(
        self,
        database_id: str,
        caller: Caller = ANYONE,
        *,
        end_sessions: bool = False,
        event: PendingEvent | None = None,
    ) -> ProvisionedDatabase:
        """Set a new password, record it with the audit event, and return the connection. With
        `end_sessions`, end the owner's sessions as well, for instance after a password has leaked.

        Raises DatabaseNotFound, OtherTarget, IllegalTransition unless the database is ready, and
        InFlight.

        After Unavailable the rotation stays pending, until the next call or the reconciler finishes
        it.
        """

        def start(database: Database) -> Database | None:
            self._check(database, caller)
            return self._start(database, end_sessions=end_sessions)

        # check before taking the lease: a caller without access must not block others
        self._check(await self.registry.get(database_id), caller)
        async with self.leases.acquire(database_id) as is_acquired:
            if not is_acquired:
                raise InFlight
            started = await update_record(self.registry, database_id, start)
            return await self._rotate(started, event)

    async def finish(self, database_id: str) -> bool:
        """Finish an interrupted rotation. Return whether this call did so. Idempotent."""
        async with self.leases.acquire(database_id) as is_acquired:
            database = await self.registry.get(database_id)
            is_open = database.state is State.READY and database.is_pending(Operation.ROTATE)
            if is_acquired and is_open:
                await self._rotate(database)
            return is_acquired and is_open

    def _check(self, database: Database, caller: Caller) -> None:
        check_target(check_visible(caller, database), self.target)
        check_usable(database, self.clock.now())

    def _start(self, database: Database, *, end_sessions: bool) -> Database | None:
        """Return the record with the operations started, or None if they are pending already."""
        started = database
        if not database.is_pending(Operation.ROTATE):
            started = started.with_next_password(self.passwords, draw_nonce(self.randomness))
            started = started.start(Operation.ROTATE, self.clock.now())
        if end_sessions and not database.is_pending(Operation.END_SESSIONS):
            started = started.start(Operation.END_SESSIONS, self.clock.now())
        return None if started is database else started

    async def _rotate(
        self, database: Database, event: PendingEvent | None = None
    ) -> ProvisionedDatabase:
        database = await ensure_known_secret(
            self.registry, database, self.passwords, self.randomness
        )
        while True:
            try:
                return await self._rotate_once(database, event)
            except StaleRecord:  # the lease was lost, and another process rotated the password
                database = await self.registry.get(database.id)
                check_usable(database, self.clock.now())

    async def _rotate_once(
        self, database: Database, event: PendingEvent | None
    ) -> ProvisionedDatabase:
        """Set the recorded password. Raises StaleRecord if the record has another one meanwhile."""
        end_sessions = database.is_pending(Operation.END_SESSIONS)
        connection = await self._set_password(database, end_sessions=end_sessions)
        complete = partial(self._complete, database)
        return ProvisionedDatabase(
            database=await update_record(self.registry, database.id, complete, event),
            connection=connection,
            sessions_ended=end_sessions or self.provider.rotation_ends_sessions,
        )

    async def _set_password(self, database: Database, *, end_sessions: bool) -> Connection:
        async with (
            attempt(self.registry, self.clock, database, Operation.ROTATE),
            explain_absence(self.registry, self.clock, database.id),
        ):
            is_wanted = partial(has_same_password, database)
            request = database.to_provision_request(
                self.passwords, confirm=confirm_that(is_wanted, self.registry, database)
            )
            return await self.provider.rotate(request, end_sessions=end_sessions)

    def _complete(self, rotated: Database, database: Database) -> Database:
        """Return the completed record. Raises StaleRecord if another process has rotated the
        password since."""
        check_usable(database, self.clock.now())  # it may be expiring or deleted meanwhile
        if not has_same_password(database, rotated):
            raise StaleRecord
        if database.is_pending(Operation.END_SESSIONS):
            database = database.complete(Operation.END_SESSIONS, self.clock.now())
        return database.complete(Operation.ROTATE, self.clock.now())
