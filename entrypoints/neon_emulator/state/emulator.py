"""The emulator's state: its projects, settings, faults and recorded requests."""

import asyncio
import itertools
import secrets
from collections import deque
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web
from structlog.stdlib import BoundLogger

from entrypoints.neon_emulator.behaviour import Behaviour
from entrypoints.neon_emulator.compute.compute import Compute
from entrypoints.neon_emulator.compute.servers import Servers
from entrypoints.neon_emulator.errors import InvalidCall
from entrypoints.neon_emulator.state import identifiers
from entrypoints.neon_emulator.state.catalog import Database, Role
from entrypoints.neon_emulator.state.faults import Fault, Faults
from entrypoints.neon_emulator.state.operations import Operation, Operations
from entrypoints.neon_emulator.state.project import Branch, Endpoint, Project
from entrypoints.neon_emulator.steps import Step
from ports.driven.clock import Clock

HOST = "127.0.0.1"

NEWEST = 18
"""The version of the bundled PostgreSQL, which all projects use."""

REMEMBERED_EXCHANGES = 100_000


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The properties of a new project."""

    name: str | None = None
    branch: str = "main"
    role: str
    database: str = "neondb"
    pg_version: int = NEWEST
    store_passwords: bool = True
    org_id: str | None = None


class Emulator:
    """The emulator. `exchanges` are the method, path and status of each API request; the status is
    0 if a fault held back the response."""

    app: web.Application
    first: Project
    host = HOST

    def __init__(
        self, behaviour: Behaviour, servers: Servers, clock: Clock, log: BoundLogger
    ) -> None:
        self.key = identifiers.create_api_key()
        self.behaviour = behaviour
        self.clock = clock
        self.faults = Faults()
        self.projects: dict[str, Project] = {}
        self._numbers = itertools.count(1)
        self.exchanges: deque[tuple[str, str, int]] = deque(maxlen=REMEMBERED_EXCHANGES)
        self._servers = servers
        self._log = log
        self._leaving: set[asyncio.Task[None]] = set()
        self.closing = asyncio.Event()

    def knows(self, key: str) -> bool:
        return secrets.compare_digest(key.encode(errors="replace"), self.key.encode())

    def create_project(
        self, wanted: Wanted, fault: Fault | None = None
    ) -> tuple[Project, list[Operation]]:
        """Create a project and start its operations. Raises BadRequest for a version of
        PostgreSQL that is not bundled."""
        if wanted.pg_version != NEWEST:
            raise InvalidCall(f"the emulator has PostgreSQL {NEWEST} only")
        project = self._new_project(wanted)
        role, database = self._first_entries(project, wanted)
        steps = [
            Step(
                action="create_timeline",
                seconds=self.behaviour.operation_seconds,
                finished=partial(_become, project.branch, "ready"),
            ),
            Step(
                action="start_compute",
                seconds=self.behaviour.start_compute_seconds,
                late=self.behaviour.late_seconds,
                work=partial(_started, project, role, database),
                finished=partial(_settled, project, role, database),
            ),
        ]
        self.projects[project.id] = project
        return project, project.operations.begin(steps, fault)

    def seen_projects(self) -> list[Project]:
        """Return the projects that a list shows; stale ones appear after some reads."""
        shown = [project for project in self.projects.values() if not project.unseen_reads]
        for project in self.projects.values():
            project.unseen_reads = max(0, project.unseen_reads - 1)
        return shown

    def delete_project(self, project: Project) -> asyncio.Task[None]:
        """Remove the project at once. Return the task that stops its server."""
        del self.projects[project.id]
        return self._behind_the_scenes(project.close())

    async def close(self) -> None:
        self.closing.set()
        for project in list(self.projects.values()):
            self.delete_project(project)
        await asyncio.gather(*self._leaving)
        await self._servers.close()

    def _new_project(self, wanted: Wanted) -> Project:
        now = self.clock.now()
        new_id = identifiers.create_project_id()
        return Project(
            id=new_id,
            number=next(self._numbers),
            name=wanted.name or new_id,
            pg_version=wanted.pg_version,
            store_passwords=wanted.store_passwords,
            org_id=wanted.org_id,
            created_at=now,
            updated_at=now,
            branch=Branch(name=wanted.branch, created_at=now, updated_at=now),
            endpoint=Endpoint(created_at=now, updated_at=now),
            operations=Operations(self.clock, self._log.bind(project=new_id)),
            compute=Compute(self._servers, new_id),
        )

    def _first_entries(self, project: Project, wanted: Wanted) -> tuple[Role, Database]:
        times: Mapping[str, Any] = {
            "created_at": project.created_at,
            "updated_at": project.created_at,
        }
        password = identifiers.create_password()
        role = project.roles.add(Role(name=wanted.role, password=password, **times))
        database = project.databases.add(
            Database(
                id=identifiers.create_database_id(),
                name=wanted.database,
                owner_name=wanted.role,
                **times,
            )
        )
        return role, database

    def _behind_the_scenes(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._told(work))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        return task

    async def _told(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            self._log.exception("neon_emulator.project_close_failed")


def _become(branch: Branch, state: str) -> None:
    branch.state = state


async def _started(project: Project, role: Role, database: Database) -> None:
    async with project.order:
        await project.compute.start()
        await project.compute.create_role(role.name, role.password)
        role.real_name = role.name
        await project.compute.create_database(database.name, role.name)
        database.real_name = database.name


def _settled(project: Project, role: Role, database: Database) -> None:
    role.settled = database.settled = project.endpoint.started = True
