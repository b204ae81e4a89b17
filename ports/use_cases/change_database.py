"""Change the expiry or the labels of a database."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.availability import check_usable
from domain.callers import ANYONE, Caller
from domain.database import Database
from domain.errors import PreconditionFailed
from domain.expiry import ExpiryPolicy
from domain.labels import validate_labels
from ports.driven.clock import Clock
from ports.driven.registry import Registry
from ports.use_cases.pending_event import PendingEvent
from ports.use_cases.records import check_visible, update_record


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """The changes to make (None: no change), and the versions of the record that they apply to
    (None: any).

    Of `ttl`, `expires_at` and `clears_expiry` at most one is given. `ttl` counts from now;
    `clears_expiry` makes the database stay until it is deleted; `labels` replace all labels.
    """

    ttl: timedelta | None = None
    expires_at: datetime | None = None
    clears_expiry: bool = False
    labels: Mapping[str, str] | None = None
    versions: Set[int] | None = None


@dataclass(frozen=True, kw_only=True)
class ChangeDatabase:
    registry: Registry
    clock: Clock
    expiry: ExpiryPolicy

    async def __call__(
        self,
        database_id: str,
        request: ChangeRequest,
        caller: Caller = ANYONE,
        event: PendingEvent | None = None,
    ) -> Database:
        """Change the record, store the audit event with it, and return it. Raises DatabaseNotFound,
        PreconditionFailed, InvalidLabels, InvalidDuration, InvalidExpiry, and IllegalTransition
        unless the database is ready."""

        def apply_changes(database: Database) -> Database:
            check_visible(caller, database)
            if request.versions is not None and database.version not in request.versions:
                raise PreconditionFailed
            check_usable(database, self.clock.now())
            if request.labels is not None:
                database = replace(database, labels=validate_labels(request.labels))
            return self._with_expiry(database, request)

        return await update_record(self.registry, database_id, apply_changes, event)

    def _with_expiry(self, database: Database, request: ChangeRequest) -> Database:
        now = self.clock.now()
        if request.ttl is not None:
            return database.with_expiry(self.expiry.calculate_expiry(now, request.ttl))
        if request.expires_at is not None or request.clears_expiry:
            return database.with_expiry(self.expiry.validate_expiry(now, request.expires_at))
        return database
