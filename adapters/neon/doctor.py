"""Doctor checks of a Neon project and a branch of it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, TypeVar

from adapters.neon.api_models import Project
from adapters.neon.branch import NeonBranch
from adapters.neon.client import opened_client
from adapters.neon.operations import Pace, Waiting
from adapters.neon.projects import NeonProjects
from adapters.neon.startup import NO_ISOLATION, Neon, persistently, server_on
from adapters.neon.startup_checks import (
    check_branch,
    check_may_see_projects,
    check_version,
    checked_project,
)
from adapters.postgres.doctor import admin, capacity, ownership
from adapters.postgres.doctor.checks import EVERYWHERE, Recall, asked
from adapters.postgres.doctor.context import Questions, Subject
from adapters.postgres.doctor.marks import ANY_MARK, judged
from adapters.postgres.sessions import Session
from domain.doctor import Check, Outcome, Verdict, counted
from domain.errors import StartupError
from domain.targets import Isolation
from ports.driven.doctor import Examination

P = ParamSpec("P")
T = TypeVar("T")

MOST_DATABASES = 500
"""Neon's limit for one branch."""

CLOSE_TO_IT = 450

_CLAIMS = "SELECT to_regclass('pgvend.claims') IS NOT NULL"

_CLAIMED = """
SELECT mark FROM pgvend.claims WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = owner)
"""


async def _claims(session: Session, subject: Subject) -> Outcome:
    """Check the marks in the table of claims, for roles that the API created."""
    rows = await session.fetch(_CLAIMED) if await session.fetchval(_CLAIMS) else []
    return judged([row["mark"] for row in rows], subject.known)


BY_ROLE: Questions = {**EVERYWHERE, **ownership.QUESTIONS}

BY_API: Questions = {
    "login": admin.check_login,
    "clock": capacity.check_clock,
    "disk": capacity.check_disk,
    "marks": _claims,
}
"""Without isolation, where the API creates all objects."""


@dataclass(frozen=True, kw_only=True)
class NeonExamination(Examination):
    """The checks. They wake the branch's compute, except with isolation `project`."""

    neon: Neon
    recall: Recall

    async def examine(self) -> AsyncGenerator[Check, None]:
        neon = self.neon
        async with opened_client(
            neon.place.api_url, neon.place.key, neon.budget, neon.clock, neon.answer_timeout
        ) as client:
            project = await self._persistently(checked_project, client, neon.place.project_id)
            yield Check("project", self._judged(project))
            waiting = Waiting(client, project.id, neon.clock, Pace())
            branch = NeonBranch(client, project.id, neon.place.branch_id, waiting)
            await self._persistently(check_branch, branch, neon.place.host)
            yield Check("branch", Outcome(Verdict.OK, "NEON_HOST is the read-write compute."))
            yield Check("isolation", _isolation(neon.isolation))
            if neon.isolation is Isolation.PROJECT:
                yield Check("marks", await self._in_projects(NeonProjects(client, project)))
                return
            databases = await self._persistently(branch.list_databases)
            yield Check("databases", room_on(len(databases)))
            async for check in self._by_sql(branch):
                yield check

    def _judged(self, project: Project) -> Outcome:
        try:
            if self.neon.isolation is Isolation.ROLE:
                check_version(project)
        except StartupError as error:
            return Outcome(Verdict.FAIL, str(error))
        return Outcome(Verdict.OK, f"{project.id}, with PostgreSQL {project.pg_version or '?'}.")

    async def _in_projects(self, projects: NeonProjects) -> Outcome:
        await self._persistently(check_may_see_projects, projects)
        found = await self._persistently(projects.named, ANY_MARK)
        marks = [project.name.partition(" ")[0] for project in found]
        return judged(marks, await self.recall())

    async def _by_sql(self, branch: NeonBranch) -> AsyncGenerator[Check, None]:
        server = await self._persistently(server_on, branch, self.neon)
        subject = Subject(
            server=server, known=await self.recall(), clock=self.neon.clock, has_superuser=False
        )
        questions = BY_ROLE if self.neon.isolation is Isolation.ROLE else BY_API
        async for check in asked(questions, subject):
            yield check

    async def _persistently(
        self, ask: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await persistently(partial(ask, *args, **kwargs), self.neon.clock)


def room_on(number: int) -> Outcome:
    """Return the outcome for a branch with `number` databases."""
    detail = f"The branch has {counted(number, 'database')}; Neon allows {MOST_DATABASES}."
    if number >= MOST_DATABASES:
        return Outcome(Verdict.FAIL, detail)
    return Outcome(Verdict.WARN if number >= CLOSE_TO_IT else Verdict.OK, detail)


def _isolation(isolation: Isolation) -> Outcome:
    if isolation is Isolation.NONE:
        return Outcome(Verdict.WARN, NO_ISOLATION)
    return Outcome(Verdict.OK, f"Each tenant has its own {isolation}.")
