"""Doctor checks of a Neon project and a branch of it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, TypeVar

from adapters.neon.api_models import Project
from adapters.neon.branch import NeonBranch
from adapters.neon.client import open_client
from adapters.neon.operations import OperationWaiter
from adapters.neon.pace import Pace
from adapters.neon.projects import NeonProjects
from adapters.neon.startup import NO_ISOLATION, NeonConfig, describe_server, retry_at_start
from adapters.neon.startup_checks import (
    check_branch,
    check_project,
    check_project_access,
    check_version,
)
from adapters.postgres.doctor import admin, capacity, ownership
from adapters.postgres.doctor.checks import COMMON_CHECKS, LoadLocalState, run_check_functions
from adapters.postgres.doctor.context import CheckContext, CheckFunctions
from adapters.postgres.marks import ANY_MARK
from adapters.postgres.sessions import Session
from domain.doctor import DoctorCheck, Outcome, Verdict, format_count
from domain.errors import StartupError
from domain.targets import Isolation
from ports.driven.doctor import DoctorChecks

P = ParamSpec("P")
T = TypeVar("T")

MAX_DATABASES = 500
"""Neon's limit for one branch."""

WARN_FROM_DATABASES = 450

_HAS_CLAIM_TABLE = "SELECT to_regclass('pgvend.claims') IS NOT NULL"

_CLAIM_MARKS = """
SELECT mark FROM pgvend.claims WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = owner)
"""


async def _check_claims(session: Session, context: CheckContext) -> Outcome:
    """Check the marks in the table of claims, for roles that the API created."""
    rows = await session.fetch(_CLAIM_MARKS) if await session.fetchval(_HAS_CLAIM_TABLE) else []
    return ownership.assess_marks([row["mark"] for row in rows], context.local_state)


ROLE_CHECKS: CheckFunctions = {**COMMON_CHECKS, **ownership.CHECKS}

API_CHECKS: CheckFunctions = {
    "login": admin.check_login,
    "clock": capacity.check_clock,
    "disk": capacity.check_disk,
    "marks": _check_claims,
}
"""The checks without isolation, where the API creates all objects."""


@dataclass(frozen=True, kw_only=True)
class NeonDoctorChecks(DoctorChecks):
    """Checks of one project. They wake the branch's compute, except with isolation `project`."""

    neon: NeonConfig
    load_local_state: LoadLocalState

    async def run_checks(self) -> AsyncGenerator[DoctorCheck, None]:
        neon = self.neon
        async with open_client(
            neon.access.api_url, neon.access.key, neon.budget, neon.clock, neon.response_timeout
        ) as client:
            project = await self._retry(check_project, client, neon.access.project_id)
            yield DoctorCheck("project", self._assess_project(project))
            waiter = OperationWaiter(client, project.id, neon.clock, Pace())
            branch = NeonBranch(client, project.id, neon.access.branch_id, waiter)
            await self._retry(check_branch, branch, neon.access.host)
            yield DoctorCheck("branch", Outcome(Verdict.OK, "NEON_HOST is the read-write compute."))
            yield DoctorCheck("isolation", _assess_isolation(neon.isolation))
            if neon.isolation is Isolation.PROJECT:
                yield DoctorCheck(
                    "marks", await self._check_projects(NeonProjects(client, project))
                )
                return
            databases = await self._retry(branch.list_databases)
            yield DoctorCheck("databases", assess_capacity(len(databases)))
            async for check in self._check_server(branch):
                yield check

    def _assess_project(self, project: Project) -> Outcome:
        try:
            if self.neon.isolation is Isolation.ROLE:
                check_version(project)
        except StartupError as error:
            return Outcome(Verdict.FAIL, str(error))
        return Outcome(Verdict.OK, f"{project.id}, with PostgreSQL {project.pg_version or '?'}.")

    async def _check_projects(self, projects: NeonProjects) -> Outcome:
        await self._retry(check_project_access, projects)
        marked = await self._retry(projects.find_by_prefix, ANY_MARK)
        marks = [project.name.partition(" ")[0] for project in marked]
        return ownership.assess_marks(marks, await self.load_local_state())

    async def _check_server(self, branch: NeonBranch) -> AsyncGenerator[DoctorCheck, None]:
        server = await self._retry(describe_server, branch, self.neon)
        context = CheckContext(
            server=server,
            local_state=await self.load_local_state(),
            clock=self.neon.clock,
            has_superuser=False,
        )
        check_functions = ROLE_CHECKS if self.neon.isolation is Isolation.ROLE else API_CHECKS
        async for check in run_check_functions(check_functions, context):
            yield check

    async def _retry(self, call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        return await retry_at_start(partial(call, *args, **kwargs), self.neon.clock)


def assess_capacity(count: int) -> Outcome:
    """Return the outcome for a branch with `count` databases."""
    detail = f"The branch has {format_count(count, 'database')}; Neon allows {MAX_DATABASES}."
    if count >= MAX_DATABASES:
        return Outcome(Verdict.FAIL, detail)
    return Outcome(Verdict.WARN if count >= WARN_FROM_DATABASES else Verdict.OK, detail)


def _assess_isolation(isolation: Isolation) -> Outcome:
    if isolation is Isolation.NONE:
        return Outcome(Verdict.WARN, NO_ISOLATION)
    return Outcome(Verdict.OK, f"Each tenant has its own {isolation}.")
