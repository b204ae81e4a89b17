"""Reconcile records and reality: finish or undo what was interrupted, expire databases, repair
drift."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter

from domain.audit import SYSTEM_CALLER, AuditEvent
from domain.errors import PgvendError
from domain.reconciliation import ReconcileAction, find_due_action
from domain.targets import Target
from ports.driven.cancellation import run_to_completion
from ports.driven.clock import Clock
from ports.driven.leases import Leases
from ports.driven.metrics import NO_METRICS, Metrics
from ports.driven.registry import Query, Registry
from ports.use_cases import reconciler_meter
from ports.use_cases.audit_events import AuditEvents
from ports.use_cases.reconcile_tasks import Detect, Finish, ReconcileTask, Run
from ports.use_cases.reconciler_meter import count_tasks, measure_run
from ports.use_cases.records import search_all

PAGE = 200

AT_ONCE = 4
"""Tasks that run at the same time. The limit leaves room for callers."""

DONE = "done"
PLANNED = "would be done"
REPORTED = "left as it is"
PARTIAL = "done in part"

_LABELS = {REPORTED: reconciler_meter.REPORTED, PARTIAL: reconciler_meter.PARTIAL}


@dataclass(frozen=True, slots=True)
class ReconcileResult:
    """A task and its outcome: `done`, `done in part`, `would be done`, `left as it is`, or an
    error's code, with the error's text as `detail`."""

    action: ReconcileAction
    id: str
    database: str
    outcome: str
    detail: str = ""
    crash: Exception | None = None
    """An unexpected error, for the log only."""


@dataclass(frozen=True, kw_only=True)
class Reconcile:
    """Every task is idempotent and runs under the lease of its database, so that many replicas may
    reconcile at the same time. A task that failed is found again, after a pause.

    `finishers` finish the action of a record that is due; `detectors` list further tasks,
    and are named by the action that is reported if they fail.
    """

    registry: Registry
    leases: Leases
    clock: Clock
    finishers: Mapping[ReconcileAction, Finish]
    detectors: Mapping[ReconcileAction, Detect]
    audit: AuditEvents
    target: Target
    metrics: Metrics = NO_METRICS

    async def __call__(self, *, dry_run: bool = False, drift: bool = True) -> list[ReconcileResult]:
        """Process all records that are due, and, with `drift`, everything that the detectors find.
        With `dry_run`, change nothing. Raises Unavailable."""
        if dry_run:
            return await self._process(dry_run=True, drift=drift)
        with measure_run(self.metrics, self.clock):
            results = await self._process(dry_run=False, drift=drift)
        tasks = [(each.action, _LABELS.get(each.outcome, each.outcome)) for each in results]
        count_tasks(self.metrics, tasks, is_complete=drift)
        return results

    async def _process(self, *, dry_run: bool, drift: bool) -> list[ReconcileResult]:
        results = await self._run_all(await self._list_due(), dry_run)
        if drift:
            for action, detect in self.detectors.items():
                results += await self._run_detected(action, detect, dry_run)
        return results

    async def _run_detected(
        self, action: ReconcileAction, detect: Detect, dry_run: bool
    ) -> list[ReconcileResult]:
        try:
            return await self._run_all(await detect(), dry_run)
        except PgvendError as error:  # report it together with what was done before
            return [ReconcileResult(action, "", "", error.code, str(error))]

    async def _list_due(self) -> list[ReconcileTask]:
        """Return the tasks of due records. Those that failed before come last: they may take long
        to fail again."""
        now = self.clock.now()
        query = Query(due=now, target=self.target.name, limit=PAGE)
        records = await search_all(self.registry, query)
        records.sort(key=attrgetter("failures"))
        return [
            ReconcileTask(
                action,
                each.id,
                each.names.database,
                partial(self.finishers[action], each.id),
                is_audited=not each.is_spare,
            )
            for each in records
            if (action := find_due_action(each, now))
        ]

    async def _run_all(
        self, tasks: Sequence[ReconcileTask], dry_run: bool
    ) -> list[ReconcileResult]:
        slots = asyncio.Semaphore(AT_ONCE)

        async def run_in_turn(task: ReconcileTask) -> ReconcileResult | None:
            if task.run is None:
                return _to_result(task, REPORTED, task.detail)
            async with slots:
                return await (self._probe(task) if dry_run else self._run(task, task.run))

        running = [asyncio.ensure_future(run_in_turn(task)) for task in tasks]
        try:
            results = await asyncio.gather(*running)
        finally:  # a caller that cancels will close what the tasks use
            for future in running:
                future.cancel()
            await run_to_completion(asyncio.gather(*running, return_exceptions=True))
        return [result for result in results if result]

    async def _probe(self, task: ReconcileTask) -> ReconcileResult | None:
        try:
            async with self.leases.acquire(task.id) as is_acquired:
                # without the lease: another replica works on it
                return _to_result(task, PLANNED, task.detail) if is_acquired else None
        except PgvendError as error:
            return _to_result(task, error.code, str(error))

    async def _run(self, task: ReconcileTask, run: Run) -> ReconcileResult | None:
        try:
            result = await run()
            if isinstance(result, str):
                return _to_result(task, PARTIAL, result)
            if not result:
                return None
            if task.is_audited:
                await self._audit(task)
            return _to_result(task, DONE, task.detail)
        except PgvendError as error:
            return _to_result(task, error.code, str(error))
        except Exception as error:  # the other tasks go on
            return replace(_to_result(task, "internal_error", type(error).__name__), crash=error)

    async def _audit(self, task: ReconcileTask) -> None:
        """Record an audit event. If that fails, the task is done and reported all the same."""
        event = AuditEvent(caller=SYSTEM_CALLER, action=f"reconcile.{task.action}", subject=task.id)
        with suppress(PgvendError):
            await self.audit.record(event)


def _to_result(task: ReconcileTask, outcome: str, detail: str = "") -> ReconcileResult:
    return ReconcileResult(task.action, task.id, task.database, outcome, detail)
