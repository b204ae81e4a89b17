"""Put records and reality in line: finish or undo what was left half done, end what has expired,
repair what differs."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter

from domain.audit import OURSELVES, Deed
from domain.database import Database
from domain.errors import PgvendError
from domain.target import Target
from domain.upkeep import Upkeep, due
from ports.cancellation import finished
from ports.driven.clock import Clock
from ports.driven.leases import Leases
from ports.driven.registry import Query, Registry
from ports.driving.add_extension import AddExtension
from ports.driving.audit import Audit
from ports.driving.chores import Chore, Do
from ports.driving.confine import ConfineDatabases
from ports.driving.delete import DeleteDatabase
from ports.driving.expire import ExpireDatabase
from ports.driving.reconcile import Reconcile
from ports.driving.restore import RestoreDatabase
from ports.driving.rotate import RotatePassword
from ports.driving.vend import VendDatabase
from ports.records import every

PAGE = 200

AT_ONCE = 4
"""Chores that are done at the same time: callers come first."""

Look = Callable[[], Awaitable[list[Chore]]]

DONE = "done"
WOULD = "would be done"
TOLD = "left as it is"
PART = "done in part"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and what came of it: `done`, `done in part`, `would be done`, `left as it
    is`, or an error's code and text."""

    action: Upkeep
    id: str
    database: str
    outcome: str
    detail: str = ""
    crash: Exception | None = None
    """What nobody has foreseen: for the log alone."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Every chore is idempotent and done under the lease of its database, so that many replicas may
    sweep at once. Nothing is given up: what failed is found again, after a pause, by a later sweep.
    """

    registry: Registry
    leases: Leases
    clock: Clock
    vend: VendDatabase
    delete: DeleteDatabase
    expire: ExpireDatabase
    rotate: RotatePassword
    add_extension: AddExtension
    restore: RestoreDatabase
    reconcile: Reconcile
    confine: ConfineDatabases
    audit: Audit
    target: Target

    async def __call__(self, *, dry_run: bool = False, drift: bool = True) -> list[Finding]:
        """Over all records that are due, then, with `drift`, over all that the provider holds.
        With `dry_run`, nothing is changed. Raises Unavailable."""
        findings = await self._all(await self._due(), dry_run)
        if drift:
            findings += await self._looked(Upkeep.COMPARE, self.reconcile, dry_run)
            findings += await self._looked(Upkeep.MEASURE, self.confine, dry_run)
        return findings

    async def _looked(self, action: Upkeep, look: Look, dry_run: bool) -> list[Finding]:
        try:
            return await self._all(await look(), dry_run)
        except PgvendError as error:  # what has been done by now is told all the same
            return [Finding(action, "", "", error.code, str(error))]

    async def _due(self) -> list[Chore]:
        """What has failed before comes last: it may take long to fail again."""
        now = self.clock.now()
        query = Query(due=now, target=self.target.name, limit=PAGE)
        records = await every(self.registry, query)
        records.sort(key=attrgetter("failures"))
        return [self._chore(action, record) for record in records if (action := due(record, now))]

    def _chore(self, action: Upkeep, record: Database) -> Chore:
        finish = {
            Upkeep.FINISH: self.vend.finish,
            Upkeep.UNDO: self.vend.finish,
            Upkeep.EXPIRE: self.expire.finish,
            Upkeep.ROTATE: self.rotate.finish,
            Upkeep.ADD_EXTENSION: self.add_extension.finish,
            Upkeep.RESTORE: self.restore.finish,
            Upkeep.DELETE: self.delete.finish,
            Upkeep.CONFINE: self.confine.finish,
            Upkeep.RELEASE: self.confine.finish,
        }[action]
        return Chore(action, record.id, record.names.database, partial(finish, record.id))

    async def _all(self, chores: Sequence[Chore], dry_run: bool) -> list[Finding]:
        places = asyncio.Semaphore(AT_ONCE)

        async def in_turn(chore: Chore) -> Finding | None:
            if chore.do is None:
                return _finding(chore, TOLD, chore.remark)
            async with places:
                return await (self._probed(chore) if dry_run else self._done(chore, chore.do))

        tasks = [asyncio.ensure_future(in_turn(chore)) for chore in chores]
        try:
            findings = await asyncio.gather(*tasks)
        finally:  # whoever ends the sweep closes next what its chores work with
            for task in tasks:
                task.cancel()
            await finished(asyncio.gather(*tasks, return_exceptions=True))
        return [finding for finding in findings if finding]

    async def _probed(self, chore: Chore) -> Finding | None:
        try:
            async with self.leases.held(chore.id) as is_mine:  # else somebody is at it
                return _finding(chore, WOULD, chore.remark) if is_mine else None
        except PgvendError as error:
            return _finding(chore, error.code, str(error))

    async def _done(self, chore: Chore, do: Do) -> Finding | None:
        try:
            left = await do()
            if isinstance(left, str):
                return _finding(chore, PART, left)
            if not left:
                return None
            await self._write_down(chore)
            return _finding(chore, DONE, chore.remark)
        except PgvendError as error:
            return _finding(chore, error.code, str(error))
        except Exception as error:  # the next chore must not suffer for it
            return replace(_finding(chore, "internal_error", type(error).__name__), crash=error)

    async def _write_down(self, chore: Chore) -> None:
        """A trail that cannot be written undoes nothing: the finding is told all the same."""
        deed = Deed(caller=OURSELVES, action=f"sweep.{chore.action}", subject=chore.id)
        with suppress(PgvendError):
            await self.audit.write_down(deed)


def _finding(chore: Chore, outcome: str, detail: str = "") -> Finding:
    return Finding(chore.action, chore.id, chore.database, outcome, detail)
