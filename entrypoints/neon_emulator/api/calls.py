"""A call to the API: its project, and the operations that it starts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from aiohttp import web

from entrypoints.neon_emulator.api.middleware import EMULATOR
from entrypoints.neon_emulator.behaviour import Behaviour
from entrypoints.neon_emulator.errors import ApiError
from entrypoints.neon_emulator.state.catalog import Catalog, E, Entry
from entrypoints.neon_emulator.state.emulator import Emulator
from entrypoints.neon_emulator.state.faults import DURING, Fault, How
from entrypoints.neon_emulator.state.operations import Operation
from entrypoints.neon_emulator.state.project import Project
from entrypoints.neon_emulator.state.steps import Step


@dataclass(frozen=True)
class Call:
    request: web.Request
    emulator: Emulator
    project: Project

    @property
    def behaviour(self) -> Behaviour:
        return self.emulator.behaviour

    @property
    def stores_passwords(self) -> bool:
        return self.behaviour.store_passwords and self.project.store_passwords

    @property
    def now(self) -> datetime:
        return self.emulator.clock.now()

    def check_may_change(self) -> None:
        """Raise ApiError if there is no compute, or another change is running."""
        if not self.behaviour.read_write_compute:
            raise ApiError(412, "create a read-write endpoint to manage roles on this branch")
        self.project.operations.check_free(
            overlapping=self.behaviour.pass_while_locked, code=self.behaviour.locked_code
        )

    def apply(
        self,
        entry: Entry,
        work: Callable[[], Awaitable[None]],
        *,
        on_failure: Callable[[], None] | None = None,
        may_be_late: bool = False,
    ) -> list[Operation]:
        """Start an operation in which the compute does `work` for `entry`; a failure calls
        `on_failure`."""
        entry.settled, entry.updated_at = False, self.now
        step = Step(
            action="apply_config",
            seconds=self.behaviour.operation_seconds,
            late=self.behaviour.late_seconds if may_be_late else 0,
            work=partial(_run_in_order, self.project, work),
            on_finish=partial(_settle, entry),
            on_failure=partial(_fail, entry, on_failure),
        )
        return self.start([step, *self._create_suspension_steps()])

    def start(self, steps: list[Step]) -> list[Operation]:
        return self.project.operations.start(steps, take_operation_fault(self.request))

    def _create_suspension_steps(self) -> list[Step]:
        """Return the step that suspends a compute after a change has started it."""
        endpoint = self.project.endpoint
        if self.project.operations.is_running or not (self.behaviour.idle or endpoint.suspended):
            return []
        return [create_suspension(self)]


def remove_failed(call: Call, catalog: Catalog[E], entry: E) -> None:
    """Remove the entry of a failed creation, unless the settings keep it."""
    if not call.behaviour.failed_stay_listed:
        catalog.remove(entry)


async def _run_in_order(project: Project, work: Callable[[], Awaitable[None]]) -> None:
    async with project.server_lock:
        await work()


def _settle(entry: Entry) -> None:
    entry.settled = True


def _fail(entry: Entry, on_failure: Callable[[], None] | None) -> None:
    entry.settled = entry.real_name is not None
    if on_failure:
        on_failure()


def create_suspension(call: Call, on_finish: Callable[[], None] = lambda: None) -> Step:
    """Return a step that suspends the compute and ends all sessions."""
    return Step(
        action="suspend_compute",
        seconds=call.behaviour.operation_seconds,
        work=call.project.compute.end_sessions,
        on_finish=on_finish,
    )


def resolve_project(request: web.Request) -> Call:
    """Return the call for the project in the path. Raises ApiError if it does not exist."""
    emulator = request.app[EMULATOR]
    project_id = request.match_info["project_id"]
    project = emulator.projects.get(project_id)
    if project is None or _is_stale(request, project):
        raise ApiError(
            emulator.behaviour.foreign_status,
            "not allowed to perform actions outside the project this key is scoped to; "
            f'subject_project_id:"{project_id}"',
        )
    return Call(request, emulator, project)


async def resolve_branch(request: web.Request) -> Call:
    """Return the call for the branch in the path, after refreshing its lists. Raises ApiError."""
    call = resolve_project(request)
    check_branch(call, request.match_info["branch_id"])
    await call.project.refresh(call.now)
    return call


def check_branch(call: Call, branch_id: str) -> None:
    if call.project.branch.id != branch_id:
        raise ApiError(call.behaviour.foreign_status, "branch not found")


def take_operation_fault(request: web.Request) -> Fault | None:
    """Return the fault for the operations of this request, if any, and count it as happened."""
    return request.app[EMULATOR].faults.take(get_route_name(request), DURING)


def take_stale_reads(request: web.Request) -> int:
    """Return how many reads must not find the object that this request creates."""
    fault = request.app[EMULATOR].faults.take(get_route_name(request), {How.STALE_404})
    return fault.reads if fault else 0


def get_route_name(request: web.Request) -> str:
    return request.match_info.route.name or ""


def _is_stale(request: web.Request, project: Project) -> bool:
    if request.method != "GET" or not project.unseen_reads:
        return False
    project.unseen_reads -= 1
    return True
