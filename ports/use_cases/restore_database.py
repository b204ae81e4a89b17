"""Restore an expired database within the grace period."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from domain.availability import check_target
from domain.callers import ANYONE, Caller
from domain.connection import Connection
from domain.database import Database
from domain.errors import (
    DatabaseNotFound,
    InFlight,
    ProviderRejected,
    StaleRecord,
    Unavailable,
)
from domain.expiry import ExpiryPolicy
from domain.lifecycle import Operation
from domain.passwords import PasswordDeriver
from domain.reconciliation import ReconcileAction
from domain.targets import Target
from domain.transitions import (
    check_restorable,
    complete_restoration,
    has_same_password,
    is_restoring,
    start_restoration,
)
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.leases import Leases
from ports.driven.login_check import LoginCheck, PasswordRefused
from ports.driven.randomness import Randomness
from ports.driven.registry import Registry
from ports.use_cases.pending_event import PendingEvent
from ports.use_cases.provisioned_database import ProvisionedDatabase
from ports.use_cases.records import (
    attempt,
    check_visible,
    confirm_that,
    ensure_known_secret,
    update_record,
    with_new_password,
)


@dataclass(frozen=True, kw_only=True)
class RestoreDatabase:
    """`login_check` tests once whether the server has the record's password. It is None if the
    operator turned it off."""

    actions: ClassVar = frozenset({ReconcileAction.RESTORE})

    registry: Registry
    provider: DatabaseProvider
    leases: Leases
    clock: Clock
    passwords: PasswordDeriver
    randomness: Randomness
    login_check: LoginCheck | None
    expiry: ExpiryPolicy
    target: Target

    async def __call__(
        self,
        database_id: str,
        ttl: timedelta | None = None,
        caller: Caller = ANYONE,
        event: PendingEvent | None = None,
    ) -> ProvisionedDatabase:
        """Reopen the database with a new expiry, record it with the audit event, and return it. It
        keeps its password, unless that was revoked, cannot be checked, or derives from an unknown
        secret; then it gets a new one.

        Raises DatabaseNotFound, OtherTarget, InvalidDuration, IllegalTransition unless it is
        expired, and InFlight. After Unavailable the restoration stays pending, until the next call
        or the reconciler finishes it.
        """

        def start(database: Database) -> Database:
            self._check(database, caller)
            now = self.clock.now()
            return start_restoration(database, now, self.expiry.calculate_expiry(now, ttl))

        # check before taking the lease: a caller without access must not block others
        self._check(await self.registry.get(database_id), caller)
        async with self.leases.acquire(database_id) as is_acquired:
            if not is_acquired:
                raise InFlight
            started = await update_record(self.registry, database_id, start)
            return await self._restore(started, event)

    async def finish(self, database_id: str) -> bool:
        """Finish an interrupted restoration. Return whether this call did so. Idempotent."""
        async with self.leases.acquire(database_id) as is_acquired:
            database = await self.registry.get(database_id)
            is_open = is_acquired and is_restoring(database, self.clock.now())
            if is_open:
                await self._restore(database)
            return is_open

    def _check(self, database: Database, caller: Caller) -> None:
        check_target(check_visible(caller, database), self.target)
        check_restorable(database, self.clock.now())

    async def _restore(
        self, database: Database, event: PendingEvent | None = None
    ) -> ProvisionedDatabase:
        database = await ensure_known_secret(
            self.registry, database, self.passwords, self.randomness
        )
        try:
            async with attempt(self.registry, self.clock, database, Operation.RESTORE):
                connection = await self._open(database)
        except StaleRecord as error:  # the lease was lost
            check_restorable(await self.registry.get(database.id), self.clock.now())
            raise InFlight from error
        database = await update_record(
            self.registry,
            database.id,
            lambda current: complete_restoration(current, self.clock.now()),
            event,
        )
        return ProvisionedDatabase(database=database, connection=connection)

    async def _open(self, database: Database) -> Connection:
        """Open the database. Raises StaleRecord if it is not being restored with this password any
        more."""
        if not await self._has_password(database):
            database = await with_new_password(
                self.registry, database, self.passwords, self.randomness
            )

        def is_wanted(current: Database) -> bool:
            is_same = has_same_password(current, database)
            return is_same and is_restoring(current, self.clock.now())

        confirm = confirm_that(is_wanted, self.registry, database)
        request = database.to_provision_request(self.passwords, confirm=confirm)
        return await self.provider.provision(request)

    async def _has_password(self, database: Database) -> bool:
        """Return whether the server has the record's password. If it has another one, the record's
        was revoked: the registry may come from a backup older than the last rotation."""
        if self.login_check is None:
            return False
        try:
            connection = await self.provider.reveal(database.to_provision_request(self.passwords))
            await self.login_check.verify(connection)
        except (PasswordRefused, Unavailable, DatabaseNotFound):
            return False
        except ProviderRejected:  # the password is right, but the database is closed
            return True
        return True
