"""Create a database from a nickname."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import ClassVar

from domain.availability import check_password_known, check_target
from domain.database import Database
from domain.errors import (
    IdempotencyKeyReused,
    IllegalTransition,
    InFlight,
    RequestAlreadyRecorded,
)
from domain.expiry import ExpiryPolicy
from domain.extensions import check_available
from domain.idempotency import RETENTION, IdempotencyKey
from domain.ids import RANDOM_BYTES, new_id
from domain.labels import validate_labels
from domain.lifecycle import Operation, State
from domain.names import Nickname, PgNames
from domain.passwords import PasswordDeriver
from domain.reconciliation import ReconcileAction
from domain.targets import Target
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.leases import Leases
from ports.driven.randomness import Randomness
from ports.driven.registry import Query, Registry
from ports.use_cases.claim_spare import ClaimSpare
from ports.use_cases.create_request import CreateRequest, OnConflict
from ports.use_cases.find_source import FindSource
from ports.use_cases.pending_event import PendingEvent
from ports.use_cases.provision_database import ProvisionDatabase
from ports.use_cases.provisioned_database import ProvisionedDatabase, reveal_connection
from ports.use_cases.records import draw_nonce, explain_absence, update_record


@dataclass(frozen=True, kw_only=True)
class CreateDatabase:
    """Create a database, or return the one that the same request created before."""

    actions: ClassVar = frozenset({ReconcileAction.FINISH, ReconcileAction.UNDO})

    registry: Registry
    provider: DatabaseProvider
    leases: Leases
    provision: ProvisionDatabase
    find_source: FindSource
    clock: Clock
    randomness: Randomness
    passwords: PasswordDeriver
    expiry: ExpiryPolicy
    target: Target
    claim: ClaimSpare
    has_opaque_names: bool = False

    async def __call__(
        self, request: CreateRequest, event: PendingEvent | None = None
    ) -> ProvisionedDatabase:
        """Return a new database, or the one of the same request; finish it if a crash interrupted
        its provisioning. Store the audit event together with the record of the ready database.

        Raises IdempotencyKeyReused, InFlight while another call works on the request, NameTaken,
        QuotaReached, ExtensionUnavailable, what `FindSource` raises, and SourceInUse. Raises
        OtherTarget and IllegalTransition if the database of the same request is not available.
        """
        request.check()
        key = request.to_idempotency_key()
        while True:
            if known := await self._find_known(key):
                return await self._reveal(known, event)
            with suppress(RequestAlreadyRecorded):  # a concurrent request: find its record
                return await self.create_new(request, event)

    async def create_new(
        self, request: CreateRequest, event: PendingEvent | None = None
    ) -> ProvisionedDatabase:
        """Return a new database. Raises RequestAlreadyRecorded if one has the key of the request,
        and the other errors of a call."""
        draft = await self._draft(request, request.to_idempotency_key())
        return await self._claim_or_provision(draft, request.caller.quota, event)

    async def request(
        self, create_request: CreateRequest, event: PendingEvent | None = None
    ) -> Database:
        """Record a database that `finish` will provision, with the audit event, and return the
        record; or return the record of the same request.

        Raises IdempotencyKeyReused, NameTaken, QuotaReached, ExtensionUnavailable, what
        `FindSource` raises, OtherTarget and IllegalTransition.
        """
        create_request.check()
        key = create_request.to_idempotency_key()
        while True:
            if known := await self._find_known(key):
                self._check_available(known)
                return known
            with suppress(RequestAlreadyRecorded):
                return await self.request_new(create_request, event)

    async def request_new(
        self, create_request: CreateRequest, event: PendingEvent | None = None
    ) -> Database:
        """Record a new database that `finish` will provision. Raises as `create_new` does."""
        draft = await self._draft(create_request, create_request.to_idempotency_key())
        requested = replace(draft, resumable=True)
        return await self._claim_or_record(requested, create_request.caller.quota, event)

    async def finish(self, database_id: str) -> bool:
        """Provision a database that was requested. Undo one that was interrupted if its caller
        cannot come back for it. Return whether this call did either. Idempotent."""
        async with self.leases.acquire(database_id) as is_acquired:
            database = await self.registry.get(database_id)
            is_open = is_acquired and database.state is State.PROVISIONING
            if is_open and database.resumable:
                await self._finish_requested(database)
            elif is_open:
                await self.provision.undo(
                    database.id, "The service stopped while it created the database."
                )
            return is_open

    async def _claim_or_provision(
        self, draft: Database, quota: int | None, event: PendingEvent | None
    ) -> ProvisionedDatabase:
        with self.claim.pool.running.count():
            async with self.claim(draft, quota) as claimed:
                if claimed:
                    return await self.provision.finish_claim(claimed, event)
            async with self.leases.acquire(draft.id):
                return await self.provision(draft, quota, event)

    async def _claim_or_record(
        self, draft: Database, quota: int | None, event: PendingEvent | None
    ) -> Database:
        async with self.claim(draft, quota, event) as claimed:
            if claimed:
                self.claim.pool.remember(claimed)
                return claimed
        return await self.provision.record(draft, quota, event=event)

    async def _finish_requested(self, database: Database) -> None:
        with self.claim.pool.running.count():
            if self.claim.pool.recall(database):
                await self.provision.finish_claim(database)
            else:
                await self.provision(database)

    async def _draft(self, request: CreateRequest, key: IdempotencyKey | None) -> Database:
        """Return the record of a new database. Raise ExtensionUnavailable, and the errors of a
        missing source, before anything is recorded."""
        if request.extensions:
            check_available(request.extensions, await self.provider.extensions())
        source = await self.find_source(request.template, request.source, request.caller)
        return self._new_record(request, key, source.id if source else "")

    async def _find_known(self, key: IdempotencyKey | None) -> Database | None:
        """Return the record of the same request. A record older than RETENTION loses its key."""
        if key is None:
            return None
        found = await self.registry.search(Query(idempotency_key=key.key, limit=1))
        if not found:
            return None
        [database] = found
        if database.created_at + RETENTION <= self.clock.now():
            await update_record(
                self.registry, database.id, lambda current: replace(current, idempotency_key=None)
            )
            return None
        if database.idempotency_key and database.idempotency_key.body != key.body:
            raise IdempotencyKeyReused
        return database

    async def _reveal(self, database: Database, event: PendingEvent | None) -> ProvisionedDatabase:
        self._check_available(database)
        if database.state is State.PROVISIONING:
            return await self._resume(database.id, event)
        async with explain_absence(self.registry, self.clock, database.id):
            return await reveal_connection(self.provider, database, self.passwords)

    def _check_available(self, database: Database) -> None:
        check_target(database, self.target)
        try:
            if database.state is not State.PROVISIONING:
                check_password_known(database, self.clock.now())
        except IllegalTransition as error:
            hint = "It was created with this idempotency key; use a new key for a new database."
            raise IllegalTransition(f"{error} {hint}") from None

    async def _resume(self, database_id: str, event: PendingEvent | None) -> ProvisionedDatabase:
        async with self.leases.acquire(database_id) as is_acquired:
            database = await self.registry.get(database_id)
            if is_acquired and database.state is State.PROVISIONING:
                return await self.provision(database, event=event)
        if database.state is State.PROVISIONING:
            raise InFlight("The same request is in progress; retry soon.")
        return await self._reveal(database, event)

    def _new_record(
        self, request: CreateRequest, key: IdempotencyKey | None, source: str
    ) -> Database:
        now = self.clock.now()
        nickname = Nickname.parse(request.nickname)
        database_id = new_id(now, self.randomness.entropy(RANDOM_BYTES))
        database = Database(
            id=database_id,
            nickname=nickname,
            names=PgNames.from_id(database_id)
            if self.has_opaque_names
            else nickname.derive_names(),
            target=self.target,
            caller=request.caller.name,
            secret=self.passwords.current,
            nonce=draw_nonce(self.randomness),
            idempotency_key=key,
            resumable=key is not None,
            suffixable=request.on_conflict is not OnConflict.REJECT,
            labels=validate_labels(request.labels),
            extensions=tuple(dict.fromkeys(request.extensions)),
            source=source,
            ends_sessions=request.ends_sessions,
            created_at=now,
            expires_at=self.expiry.limit_to(request.caller.max_ttl).calculate_expiry(
                now, request.ttl
            ),
        )
        return database.start(Operation.PROVISION, now)
