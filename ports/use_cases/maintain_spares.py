"""Keep the wanted number of spares ready."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from domain.database import Database
from domain.errors import PgvendError
from domain.ids import RANDOM_BYTES, new_id
from domain.lifecycle import Operation, State
from domain.reconciliation import ReconcileAction, find_claimed_before
from domain.spares import WantedSpares, find_next, find_unwanted, is_claimable, new_spare
from domain.transitions import start_deletion
from ports.driven.cancellation import run_to_completion
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.leases import Leases
from ports.driven.login_check import LoginCheck
from ports.driven.randomness import Randomness
from ports.driven.registry import Registry
from ports.use_cases.delete_database import DeleteDatabase
from ports.use_cases.find_source import get_source
from ports.use_cases.records import draw_nonce, update_record
from ports.use_cases.spare_pool import SparePool

LEASE = "spares"
"""The lease of the replica that fills and deletes spares."""

QUIET_TIME = 0.5
"""Seconds without a creation before a spare is filled, unless few are left: then the next gap
between two creations will do."""

LONGEST_WAIT = 5.0
"""Seconds for which the refill yields to creations before each spare."""


@dataclass(frozen=True, kw_only=True)
class MaintainSpares:
    actions: ClassVar = frozenset({ReconcileAction.DELETE_SPARE})

    pool: SparePool
    registry: Registry
    provider: DatabaseProvider
    login_check: LoginCheck
    leases: Leases
    delete: DeleteDatabase
    clock: Clock
    randomness: Randomness

    async def __call__(self) -> None:
        """Delete the spares that nobody can claim or that are too many, and fill the missing ones.
        Do neither while another replica does. Raises what the provider and the registry raise; the
        next call continues."""
        await self._compare_once()
        async with self.leases.acquire(LEASE) as is_acquired:
            if is_acquired:
                await self._delete_unusable()
                await self._fill_all()

    async def finish(self, database_id: str) -> bool:
        """Delete a spare whose filling was interrupted. Return whether this call did so."""
        return await self._delete(database_id, is_complete=False)

    async def _compare_once(self) -> None:
        """Find, before the first claim of this process, the spares that were claimed in a past that
        the registry does not know, because it was restored from a backup."""
        if self.pool.is_wanted and not self.pool.is_compared:
            items = await self.provider.inventory()
            spares = await self.pool.list_spares()
            self.pool.mark_compared(find_claimed_before(items, spares))
            self.pool.offer(reversed(spares))

    async def _delete_unusable(self) -> None:
        spares = await self.pool.list_spares()
        interrupted = [spare for spare in spares if not is_claimable(spare)]
        for spare in interrupted:
            await self._delete(spare.id, is_complete=False)
        complete = [spare for spare in spares if is_claimable(spare)]
        for spare in find_unwanted(complete, await self.pool.list_wanted()):
            await self.pool.running.yield_to_them(LONGEST_WAIT, QUIET_TIME)
            await self._delete(spare.id, is_complete=True)

    async def _delete(self, spare_id: str, *, is_complete: bool) -> bool:
        """Delete the spare unless another process works on it, or it changed meanwhile."""
        async with self.leases.acquire(spare_id) as is_acquired:
            return is_acquired and await self._delete_held(spare_id, is_complete=is_complete)

    async def _delete_held(self, spare_id: str, *, is_complete: bool) -> bool:
        """Delete the spare whose lease this process holds, unless it changed meanwhile. Only what
        has the mark of a spare is deleted on the provider."""

        def start(current: Database) -> Database | None:
            is_same = current.state is State.SPARE and is_claimable(current) is is_complete
            return start_deletion(current, self.clock.now()) if is_same else None

        database = await update_record(self.registry, spare_id, start)
        is_deleting = database.is_spare and database.state is State.DELETING
        if is_deleting:
            await self.delete.complete(database)
        return is_deleting

    async def _fill_all(self) -> None:
        """Fill the missing spares one by one, and rest after each for as long as it took. An error
        ends the spares of that shape only, and is raised at the end.

        The records are read once, because reading them takes time from creations; a claim in the
        meantime leads to another call.
        """
        errors: dict[str, PgvendError] = {}
        spares = await self.pool.list_spares()
        while wanted := await self._find_next(spares, errors):
            started_at = self.clock.elapsed()
            try:
                spares.append(await self._fill(wanted))
            except PgvendError as error:
                errors[wanted.shape] = error
            await self.clock.sleep(self.clock.elapsed() - started_at)
        if errors:
            raise next(iter(errors.values()))

    async def _find_next(
        self, spares: Sequence[Database], besides: Collection[str]
    ) -> WantedSpares | None:
        """Return what the next spare is filled for, once creations leave the time for it."""
        wanted = [each for each in await self.pool.list_wanted() if each.shape not in besides]
        found = find_next(spares, wanted)
        if found:
            quiet_for = 0.0 if self.pool.is_scarce(found) else QUIET_TIME
            await self.pool.running.yield_to_them(LONGEST_WAIT, quiet_for)
        return found

    async def _fill(self, wanted: WantedSpares) -> Database:
        now = self.clock.now()
        spare = new_spare(
            new_id(now, self.randomness.entropy(RANDOM_BYTES)),
            wanted,
            target=self.pool.target,
            secret=self.pool.passwords.current,
            nonce=draw_nonce(self.randomness),
            now=now,
        )
        async with self.leases.acquire(spare.id):
            try:
                filled = await self._provision(await self.registry.add(spare))
            except BaseException:
                await run_to_completion(self._try_discard(spare.id))
                raise
        self.pool.offer([filled])
        return filled

    async def _provision(self, spare: Database) -> Database:
        """Provision the spare, check that its login works, and close it."""
        source = await get_source(self.registry, spare)
        request = spare.to_provision_request(self.pool.passwords, source)
        await self.login_check.verify(await self.provider.provision(request))
        await self.provider.suspend(spare.tenant)
        return await self.registry.update(spare.complete(Operation.PROVISION, self.clock.now()))

    async def _try_discard(self, spare_id: str) -> None:
        """Delete what was filled in part. Never raises: the reconciler finds the rest."""
        with suppress(Exception):
            await self._delete_held(spare_id, is_complete=False)
