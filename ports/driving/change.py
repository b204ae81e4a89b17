"""Change the expiry or the labels of a database."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from datetime import timedelta

from domain.caller import ANYONE, Caller
from domain.database import Database
from domain.errors import PreconditionFailed
from domain.expiry import ExpiryPolicy
from domain.labels import checked_labels
from ports.driven.clock import Clock
from ports.driven.registry import Registry
from ports.records import changed, seen_by


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """The changes; None leaves a field unchanged. `ttl` counts from now, and `labels` replace all
    labels. `versions` are the versions of the record that may be changed, None for any."""

    ttl: timedelta | None = None
    labels: Mapping[str, str] | None = None
    versions: Set[int] | None = None


@dataclass(frozen=True, kw_only=True)
class ChangeDatabase:
    registry: Registry
    clock: Clock
    expiry: ExpiryPolicy

    async def __call__(
        self, database_id: str, request: ChangeRequest, caller: Caller = ANYONE
    ) -> Database:
        """Change the record and return it. Raises DatabaseNotFound, PreconditionFailed,
        InvalidLabels, InvalidDuration, and IllegalTransition unless the database is ready."""

        def wanted(database: Database) -> Database:
            seen_by(caller, database)
            if request.versions is not None and database.version not in request.versions:
                raise PreconditionFailed
            database.check_usable(self.clock.now())
            if request.labels is not None:
                database = replace(database, labels=checked_labels(request.labels))
            if request.ttl is not None:
                ends = self.expiry.expires_at(self.clock.now(), request.ttl)
                database = database.extended(ends)
            return database

        return await changed(self.registry, database_id, wanted)
