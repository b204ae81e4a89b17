"""Claim a spare for a new database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from domain.database import Database
from domain.errors import (
    DatabaseNotFound,
    NameTaken,
    QuotaReached,
    RequestAlreadyRecorded,
    StaleRecord,
)
from ports.driven.leases import Leases
from ports.use_cases.pending_event import PendingEvent
from ports.use_cases.provision_database import ProvisionDatabase
from ports.use_cases.spare_pool import SparePool


@dataclass(frozen=True, kw_only=True)
class ClaimSpare:
    """The registry accepts one claim of a spare: the record changes with its version. Whatever is
    interrupted after that is finished or undone like any other creation."""

    pool: SparePool
    leases: Leases
    provision: ProvisionDatabase

    @asynccontextmanager
    async def __call__(
        self, draft: Database, quota: int | None, event: PendingEvent | None = None
    ) -> AsyncIterator[Database | None]:
        """Turn a spare into the draft's record, store the event with it, and yield it with its
        lease held; yield None if no spare can be claimed. Raises what `RecordCreation` raises."""
        shape = self.pool.shape_for(draft.source)
        for is_known in (True, False) if self.pool.may_have(draft) else ():
            if not is_known:  # the candidates of this process are used up: other replicas fill too
                await self.pool.refresh()
            while spare := self.pool.take(shape):
                async with self.leases.acquire(spare.id) as is_acquired:
                    if is_acquired and (claimed := await self._claim(spare, draft, quota, event)):
                        yield claimed
                        return
        yield None

    async def _claim(
        self, spare: Database, draft: Database, quota: int | None, event: PendingEvent | None
    ) -> Database | None:
        """Return the claimed record, or None if the spare was claimed or deleted meanwhile."""
        try:
            claimed = await self.provision.record(draft, quota, spare, event)
        except (StaleRecord, DatabaseNotFound):
            return None
        except (NameTaken, QuotaReached, RequestAlreadyRecorded):
            self.pool.offer([spare])
            raise
        except BaseException as error:  # the claim may have been stored
            await self.provision.undo_after(error, replace(draft, id=spare.id))
            raise
        self.pool.report_claim()
        return claimed
