"""Create a database, or reuse the caller's database of the same nickname."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from domain.availability import check_password_known, check_target
from domain.database import Database
from domain.errors import (
    DatabaseNotFound,
    IllegalTransition,
    InFlight,
    OtherSource,
    RequestAlreadyRecorded,
    StaleRecord,
)
from domain.expiry import ExpiryPolicy
from domain.extensions import check_available
from domain.labels import validate_labels
from domain.lifecycle import State
from domain.passwords import PasswordDeriver
from domain.targets import Target
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.registry import Registry
from ports.use_cases.add_extension import AddExtension
from ports.use_cases.create_database import CreateDatabase
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.find_reusable import FindReusable
from ports.use_cases.pending_event import PendingEvent, storing
from ports.use_cases.provisioned_database import ProvisionedDatabase, reveal_connection
from ports.use_cases.records import explain_absence
from ports.use_cases.restore_database import RestoreDatabase

Renewal = Callable[[Database], Database]
"""Returns the record with the expiry and the labels of a request."""

PATIENCE = 10.0
"""Seconds for which a call waits for another operation on the database, such as its creation."""

POLL_INTERVAL = 0.25
"""Seconds between two attempts."""


@dataclass(frozen=True, kw_only=True)
class ReuseDatabase:
    """For requests with `on_conflict: reuse`. A key of the nickname is recorded with each database
    that this use case creates: the registry accepts a key once, so that concurrent calls, also of
    other replicas, create one database."""

    registry: Registry
    provider: DatabaseProvider
    clock: Clock
    passwords: PasswordDeriver
    expiry: ExpiryPolicy
    target: Target
    find: FindReusable
    create: CreateDatabase
    restore: RestoreDatabase
    add_extension: AddExtension

    async def __call__(
        self, request: CreateRequest, event: PendingEvent | None = None
    ) -> ProvisionedDatabase:
        """Return the caller's database of that nickname, or a new one if the caller has none that
        stays. Store the audit event together with the record.

        A database that exists keeps its password and its contents. If it has expired, it is
        restored. It gets the expiry and the labels of the request, and the extensions that it
        lacks. The call is safe to repeat, and repeats what a crash interrupted.

        Raises Forbidden for callers that may not see existing passwords, AmbiguousName for several
        databases, OtherSource for a copy of something else, InFlight if another operation takes
        long, and what `CreateDatabase`, `RestoreDatabase` and `AddExtension` raise.
        """
        request.check()
        deadline = self.clock.elapsed() + PATIENCE
        while True:
            database = await self.find(request)
            if database is None:
                with suppress(RequestAlreadyRecorded):  # a concurrent request: find its record
                    return await self.create.create_new(request, event)
                continue
            try:
                return await self._reuse(database, request, event)
            except (InFlight, StaleRecord, IllegalTransition):  # the state changes, or has changed
                if self.clock.elapsed() >= deadline:
                    raise
                await self.clock.sleep(POLL_INTERVAL)

    async def request(self, request: CreateRequest, event: PendingEvent | None = None) -> Database:
        """Do the same without waiting for a creation: return the record of a database that
        `CreateDatabase.finish` will provision, or that is being created. Raises the same."""
        request.check()
        while True:
            database = await self.find(request)
            if database is None:
                with suppress(RequestAlreadyRecorded):
                    return await self.create.request_new(request, event)
            elif database.state is State.PROVISIONING:
                check_target(database, self.target)
                await self._check_source(database, request)
                return database
            else:
                return (await self(request, event)).database

    async def _reuse(
        self, database: Database, request: CreateRequest, event: PendingEvent | None
    ) -> ProvisionedDatabase:
        check_target(database, self.target)
        await self._check_source(database, request)
        renew = self._plan_renewal(request)
        missing = [name for name in request.extensions if name not in database.extensions]
        if missing:
            check_available(missing, await self.provider.extensions())
        await self._make_ready(database, request, renew)
        for name in missing:
            await self.add_extension(database.id, name, request.caller)
        return await self._renew(database.id, renew, event)

    async def _check_source(self, database: Database, request: CreateRequest) -> None:
        """Raise OtherSource unless the database is the copy that the request names. A template of
        the same name that replaced the former one is the same."""
        wanted = request.template or request.source
        if wanted != database.source and not await self._is_source(database.source, request):
            raise OtherSource(
                f"Database {database.id} of this nickname is "
                f"{f'a copy of {database.source}' if database.source else 'not a copy'}, which is "
                "not what the request names: delete it first, or choose another nickname."
            )

    async def _is_source(self, source_id: str, request: CreateRequest) -> bool:
        try:
            source = await self.registry.get(source_id)
        except DatabaseNotFound:
            return False
        if source.is_template:
            return request.template == source.nickname.text
        return request.source in {source.nickname.text, source.names.database}

    def _plan_renewal(self, request: CreateRequest) -> Renewal:
        labels = validate_labels(request.labels)
        policy = self.expiry.limit_to(request.caller.max_ttl)
        expires_at = policy.calculate_expiry(self.clock.now(), request.ttl)
        return lambda database: replace(database, labels=labels).with_expiry(expires_at)

    async def _make_ready(self, database: Database, request: CreateRequest, renew: Renewal) -> None:
        """Finish a creation that was interrupted, and reopen a database that has expired. Raises
        InFlight while another call creates it."""
        match database.state:
            case State.PROVISIONING:
                if not await self.create.finish(database.id):
                    raise InFlight("The database is being created; retry soon.")
            case State.EXPIRED:
                await self.restore(database.id, request.ttl, request.caller)
            case State.READY if database.is_past_expiry(self.clock.now()):
                await self.registry.update(renew(database))

    async def _renew(
        self, database_id: str, renew: Renewal, event: PendingEvent | None
    ) -> ProvisionedDatabase:
        """Renew the record, with the event. Raises StaleRecord if it changes meanwhile."""
        database = await self.registry.get(database_id)
        check_password_known(database, self.clock.now())
        async with explain_absence(self.registry, self.clock, database_id):
            provisioned = await reveal_connection(self.provider, database, self.passwords)
        renewed = renew(database)
        with storing(event, renewed) as stored:
            renewed = await self.registry.update(renewed, event=stored)
        return replace(provisioned, database=renewed, is_new=False)
