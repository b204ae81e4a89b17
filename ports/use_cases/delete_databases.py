"""Delete all databases with certain labels."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace

from domain.availability import check_target
from domain.callers import ANYONE, Caller
from domain.database import Database
from domain.errors import CountMismatch, DatabaseNotFound
from domain.lifecycle import LISTED, State
from ports.driven.registry import Query
from ports.use_cases.delete_database import DeleteDatabase
from ports.use_cases.pending_event import PendingEvent
from ports.use_cases.records import check_visible, search_all

PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkDeletion:
    """The labels of the databases to delete, at least one, and how many the caller expects."""

    labels: Mapping[str, str]
    count: int


@dataclass(frozen=True, kw_only=True)
class DeleteDatabases:
    """Deletes the caller's own databases with all of the labels, or everybody's for an admin.

    Databases that are being deleted do not count. So a repeated request, also one that a crash
    interrupted, finds another count and deletes nothing that was created since.
    """

    delete: DeleteDatabase

    async def request(
        self, deletion: BulkDeletion, caller: Caller = ANYONE, event: PendingEvent | None = None
    ) -> AsyncIterator[str]:
        """Record for each database that it is to be deleted, with an audit event of its own, and
        yield its id. `DeleteDatabase.wait_until_deleted` deletes it.

        A database that another request deleted meanwhile, or whose labels changed, is left out.
        Raises CountMismatch and OtherTarget before anything is recorded; after an error of the
        registry, the deletions that were yielded stay recorded.
        """
        is_stored = False
        for database in await self._find(deletion, caller):
            own_event = event and replace(event, is_stored=False)
            if await self._request_one(database.id, deletion, caller, own_event):
                is_stored = True
                yield database.id
        if event:
            event.is_stored = is_stored

    async def _find(self, deletion: BulkDeletion, caller: Caller) -> list[Database]:
        query = Query(
            caller=None if caller.can_see_all else caller.name,
            states=LISTED,
            shape="",
            labels=deletion.labels,
            limit=PAGE,
        )
        records = await search_all(self.delete.registry, query)
        found = [record for record in records if _matches(record, deletion)]
        if len(found) != deletion.count:
            raise CountMismatch(
                f"{len(found)} databases have these labels, not {deletion.count}, and none was "
                f"deleted: list them, and send count={len(found)} if all are to be deleted."
            )
        for record in found:
            check_target(record, self.delete.target)
        return found

    async def _request_one(
        self, database_id: str, deletion: BulkDeletion, caller: Caller, event: PendingEvent | None
    ) -> bool:
        """Record that the database is to be deleted. Return whether it still matched."""

        def check(caller: Caller, record: Database) -> Database:
            if not _matches(check_visible(caller, record), deletion):
                raise DatabaseNotFound
            return record

        try:
            await self.delete.request(database_id, caller, event, check=check)
        except DatabaseNotFound:
            return False
        return True


def _matches(database: Database, deletion: BulkDeletion) -> bool:
    is_deletable = not database.is_gone and database.state is not State.DELETING
    return is_deletable and deletion.labels.items() <= database.labels.items()
