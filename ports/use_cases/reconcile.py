"""Reconcile records and reality: finish or undo what was interrupted, expire databases, repair
drift."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter

from domain.audit import OURSELVES, Deed
from domain.errors import PgvendError
from domain.reconciliation import Upkeep, due
from domain.targets import Target
from ports.driven.cancellation import finished
from ports.driven.clock import Clock
from ports.driven.leases import Leases
from ports.driven.registry import Query, Registry
from ports.use_cases.audit_events import Audit
from ports.use_cases.reconcile_actions import Detect, Finish
from ports.use_cases.reconcile_task import Chore, Run
from ports.use_cases.records import every

PAGE = 200

AT_ONCE = 4
"""Tasks that run at the same time. The limit leaves room for callers."""

DONE = "done"
WOULD = "would be done"
TOLD = "left as it is"
PART = "done in part"


@dataclass(frozen=True, slots=True)
class Finding:
    """A task and its outcome: `done`, `done in part`, `would be done`, `left as it is`, or an
    error's code, with the error's text as `detail`."""

    action: Upkeep
    id: str
    database: str
    outcome: str
    detail: str = ""
    crash: Exception | None = None
    """An unexpected error, for the log only."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Every task is idempotent and runs under the lease of its database, so that many replicas may
    reconcile at the same time. A task that failed is found again, after a pause.

    `finishers` finish the action of a record that is due; `detectors` list what else there is to
    do, and are named by the action that is reported if they fail.
    """

    registry: Registry
    leases: Leases
    clock: Clock
    finishers: Mapping[Upkeep, Finish]
    detectors: Mapping[Upkeep, Detect]
    audit: Audit
    target: Target

    async def __call__(self, *, dry_run: bool = False, drift: bool = True) -> list[Finding]:
        """Process all records that are due, and, with `drift`, everything that the detectors find.
        With `dry_run`, change nothing. Raises Unavailable."""
        findings = await self._run_all(await self._list_due(), dry_run)
        if drift:
            for action, detect in self.detectors.items():
                findings += await self._run_detected(action, detect, dry_run)
        return findings

    async def _run_detected(self, action: Upkeep, detect: Detect, dry_run: bool) -> list[Finding]:
        try:
            return await self._run_all(await detect(), dry_run)
        except PgvendError as error:  # report it together with what was done before
            return [Finding(action, "", "", error.code, str(error))]

    async def _list_due(self) -> list[Chore]:
        """Records that failed before come last: they may take long to fail again."""
        now = self.clock.now()
        query = Query(due=now, target=self.target.name, limit=PAGE)
        records = await every(self.registry, query)
        records.sort(key=attrgetter("failures"))
        return [
            Chore(action, each.id, each.names.database, partial(self.finishers[action], each.id))
            for each in records
            if (action := due(each, now))
        ]

    async def _run_all(self, chores: Sequence[Chore], dry_run: bool) -> list[Finding]:
        places = asyncio.Semaphore(AT_ONCE)

        async def run_in_turn(chore: Chore) -> Finding | None:
            if chore.run is None:
                return _finding(chore, TOLD, chore.detail)
            async with places:
                return await (self._probe(chore) if dry_run else self._run(chore, chore.run))

        tasks = [asyncio.ensure_future(run_in_turn(chore)) for chore in chores]
        try:
            findings = await asyncio.gather(*tasks)
        finally:  # a caller that cancels closes next what the tasks use
            for task in tasks:
                task.cancel()
            await finished(asyncio.gather(*tasks, return_exceptions=True))
        return [finding for finding in findings if finding]

    async def _probe(self, chore: Chore) -> Finding | None:
        try:
            async with self.leases.held(chore.id) as is_mine:  # else another replica works on it
                return _finding(chore, WOULD, chore.detail) if is_mine else None
        except PgvendError as error:
            return _finding(chore, error.code, str(error))

    async def _run(self, chore: Chore, run: Run) -> Finding | None:
        try:
            result = await run()
            if isinstance(result, str):
                return _finding(chore, PART, result)
            if not result:
                return None
            await self._audit(chore)
            return _finding(chore, DONE, chore.detail)
        except PgvendError as error:
            return _finding(chore, error.code, str(error))
        except Exception as error:  # the other tasks go on
            return replace(_finding(chore, "internal_error", type(error).__name__), crash=error)

    async def _audit(self, chore: Chore) -> None:
        """Record an audit event. If that fails, the task is done and reported all the same."""
        deed = Deed(caller=OURSELVES, action=f"sweep.{chore.action}", subject=chore.id)
        with suppress(PgvendError):
            await self.audit.write_down(deed)


def _finding(chore: Chore, outcome: str, detail: str = "") -> Finding:
    return Finding(chore.action, chore.id, chore.database, outcome, detail)
