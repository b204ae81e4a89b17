"""Add an extension to a database that is in use."""

from dataclasses import dataclass, replace
from typing import ClassVar

from domain.availability import check_password_known, check_target
from domain.callers import ANYONE, Caller
from domain.database import Database
from domain.errors import ExtensionUnavailable, InFlight, PasswordChanged
from domain.extensions import check_available
from domain.lifecycle import Operation, State
from domain.passwords import PasswordDeriver
from domain.reconciliation import ReconcileAction
from domain.targets import Target
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.leases import Leases
from ports.driven.login_check import PasswordRefused
from ports.driven.registry import Registry
from ports.use_cases.provisioned_database import reveal_connection
from ports.use_cases.records import attempt, check_visible, explain_absence, update_record


@dataclass(frozen=True, kw_only=True)
class AddExtension:
    """The record names the extension first, as its latest one, so that the reconciler can finish an
    installation that was interrupted."""

    actions: ClassVar = frozenset({ReconcileAction.ADD_EXTENSION})

    registry: Registry
    provider: DatabaseProvider
    leases: Leases
    clock: Clock
    passwords: PasswordDeriver
    target: Target

    async def __call__(self, database_id: str, name: str, caller: Caller = ANYONE) -> Database:
        """Install the extension and return the record. Idempotent.

        Raises DatabaseNotFound, OtherTarget, ExtensionUnavailable, IllegalTransition unless the
        database is ready, SecretUnknown, PasswordChanged when the owner set another password and
        the installation needs it, and InFlight, also while another extension is pending.
        After Unavailable and ProviderRejected the installation stays pending, until the next call
        or the reconciler finishes it.
        """

        def start(database: Database) -> Database:
            self._check(database, caller)
            is_pending = database.is_pending(Operation.ADD_EXTENSION)
            if is_pending and database.latest_extension != name:
                raise InFlight("Another extension is being installed; retry soon.")
            extended = database.with_extension(name)
            return extended.start(Operation.ADD_EXTENSION, self.clock.now())

        # check before taking the lease: a caller without access must not block others
        database = await self.registry.get(database_id)
        self._check(database, caller)
        async with explain_absence(self.registry, self.clock, database_id):
            await reveal_connection(self.provider, database, self.passwords)
        check_available([name], await self.provider.extensions())
        async with self.leases.acquire(database_id) as is_acquired:
            if not is_acquired:
                raise InFlight
            return await self._install(await update_record(self.registry, database_id, start))

    async def finish(self, database_id: str) -> bool:
        """Finish an interrupted installation. Return whether this call did so. Idempotent."""
        async with self.leases.acquire(database_id) as is_acquired:
            database = await self.registry.get(database_id)
            is_ready = database.state is State.READY
            is_open = is_acquired and is_ready and database.is_pending(Operation.ADD_EXTENSION)
            if is_open:
                await self._install(database)
            return is_open

    def _check(self, database: Database, caller: Caller) -> None:
        check_target(check_visible(caller, database), self.target)
        check_password_known(database, self.clock.now())

    async def _install(self, database: Database) -> Database:
        name = database.latest_extension
        provision_request = replace(
            database.to_provision_request(self.passwords), extensions=(name,)
        )
        try:
            async with (
                attempt(self.registry, self.clock, database, Operation.ADD_EXTENSION),
                explain_absence(self.registry, self.clock, database.id),
            ):
                await self.provider.install(provision_request)
        except (ExtensionUnavailable, PasswordRefused) as error:  # a retry would fail again
            await update_record(
                self.registry, database.id, lambda found: self._complete(found, without=name)
            )
            if isinstance(error, PasswordRefused):
                raise PasswordChanged from error
            raise
        return await update_record(self.registry, database.id, self._complete)

    def _complete(self, database: Database, *, without: str | None = None) -> Database | None:
        """Return the record without the pending installation, or None if its state changed."""
        if database.state is not State.READY or not database.is_pending(Operation.ADD_EXTENSION):
            return None
        database = database.without_extension(without) if without else database
        return database.complete(Operation.ADD_EXTENSION, self.clock.now())
