"""Record a creation, before anything of the database exists."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from domain.database import Database
from domain.errors import NameTaken
from domain.names import SUFFIX_ALPHABET, SUFFIX_LENGTH, PgNames
from domain.transitions import claim_spare
from ports.driven.randomness import Randomness
from ports.driven.registry import Registry
from ports.use_cases.pending_event import PendingEvent, storing

MAX_SUFFIXES = 7
"""Suffixes tried for one nickname. There are 36^6 of them: the second one is rarely needed."""


@dataclass(frozen=True, kw_only=True)
class RecordCreation:
    """Record a database under the first name that no other record has: as a new record, or in the
    record of the spare that it claims."""

    registry: Registry
    randomness: Randomness

    async def __call__(
        self,
        draft: Database,
        quota: int | None = None,
        spare: Database | None = None,
        event: PendingEvent | None = None,
    ) -> Database:
        """Return the record. Store the event with it. Raises NameTaken, QuotaReached, and
        RequestAlreadyRecorded when the same request was recorded meanwhile; for a spare also
        StaleRecord and DatabaseNotFound."""
        if draft.has_opaque_names or not draft.nickname.is_reserved():
            with suppress(NameTaken):
                return await self._store(draft, quota, spare, event)
        for names in self.draw_names(draft):
            with suppress(NameTaken):
                return await self._store(draft.rename(names), quota, spare, event)
        raise explain_name_taken(draft)

    def draw_names(self, database: Database) -> Iterator[PgNames]:
        """Yield names with random suffixes, if the names of the database may have one."""
        has_choice = database.suffixable and not database.has_opaque_names
        for _ in range(MAX_SUFFIXES if has_choice else 0):
            suffix = self.randomness.suffix(SUFFIX_ALPHABET, SUFFIX_LENGTH)
            yield database.nickname.derive_names(suffix)

    async def _store(
        self,
        draft: Database,
        quota: int | None,
        spare: Database | None,
        event: PendingEvent | None,
    ) -> Database:
        record = claim_spare(spare, draft) if spare else draft
        with storing(event, record) as stored:
            if spare:
                return await self.registry.update(record, quota, stored)
            return await self.registry.add(record, quota, stored)


def explain_name_taken(database: Database) -> NameTaken:
    name = database.nickname.base
    return NameTaken(f"The name {name!r} is reserved or in use; choose another nickname.")
