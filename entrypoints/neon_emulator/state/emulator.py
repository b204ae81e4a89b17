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
from entrypoints.neon_emulator.errors import BadRequest
from entrypoints.neon_emulator.state import identifiers
from entrypoints.neon_emulator.state.catalog import Database, Role
from entrypoints.neon_emulator.state.faults import Fault, Faults
from entrypoints.neon_emulator.state.operations import Operation, Operations
from entrypoints.neon_emulator.state.project import Branch, Endpoint, Project
from entrypoints.neon_emulator.state.steps import Step
from ports.driven.clock import Clock

HOST = "127.0.0.1"

PG_VERSION = 18
"""The version of the bundled PostgreSQL, which all projects use."""

MAX_EXCHANGES = 100_000


@dataclass(frozen=True, kw_only=True)
class ProjectSpec:
    """The properties of a new project."""

    name: str | None = None
    branch: str = "main"
    role: str
    database: str = "neondb"
    pg_version: int = PG_VERSION
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
        self.exchanges: deque[tuple[str, str, int]] = deque(maxlen=MAX_EXCHANGES)
        self._servers = servers
        self._log = log
        self._closing_projects: set[asyncio.Task[None]] = set()
        self.closing = asyncio.Event()

    def is_valid_key(self, key: str) -> bool:
        return secrets.compare_digest(key.encode(errors="replace"), self.key.encode())

    def create_project(
        self, spec: ProjectSpec, fault: Fault | None = None
    ) -> tuple[Project, list[Operation]]:
        """Create a project and start its operations. Raises BadRequest for a version of
        PostgreSQL that is not bundled."""
        if spec.pg_version != PG_VERSION:
            raise BadRequest(f"the emulator has PostgreSQL {PG_VERSION} only")
        project = self._create_project(spec)
        role, database = self._add_first_entries(project, spec)
        steps = [
            Step(
                action="create_timeline",
                seconds=self.behaviour.operation_seconds,
                on_finish=partial(_set_state, project.branch, "ready"),
            ),
            Step(
                action="start_compute",
                seconds=self.behaviour.start_compute_seconds,
                late=self.behaviour.late_seconds,
                work=partial(_start_project, project, role, database),
                on_finish=partial(_mark_settled, project, role, database),
            ),
        ]
        self.projects[project.id] = project
        return project, project.operations.start(steps, fault)

    def list_visible_projects(self) -> list[Project]:
        """Return the projects that a list shows; stale ones appear after some reads."""
        visible = [project for project in self.projects.values() if not project.unseen_reads]
        for project in self.projects.values():
            project.unseen_reads = max(0, project.unseen_reads - 1)
        return visible

    def delete_project(self, project: Project) -> asyncio.Task[None]:
        """Remove the project at once. Return the task that stops its server."""
        del self.projects[project.id]
        return self._run_in_background(project.close())

    async def close(self) -> None:
        self.closing.set()
        for project in list(self.projects.values()):
            self.delete_project(project)
        await asyncio.gather(*self._closing_projects)
        await self._servers.close()

    def _create_project(self, spec: ProjectSpec) -> Project:
        now = self.clock.now()
        new_id = identifiers.create_project_id()
        return Project(
            id=new_id,
            number=next(self._numbers),
            name=spec.name or new_id,
            pg_version=spec.pg_version,
            store_passwords=spec.store_passwords,
            org_id=spec.org_id,
            created_at=now,
            updated_at=now,
            branch=Branch(name=spec.branch, created_at=now, updated_at=now),
            endpoint=Endpoint(created_at=now, updated_at=now),
            operations=Operations(self.clock, self._log.bind(project=new_id)),
            compute=Compute(self._servers, new_id),
        )

    def _add_first_entries(self, project: Project, spec: ProjectSpec) -> tuple[Role, Database]:
        times: Mapping[str, Any] = {
            "created_at": project.created_at,
            "updated_at": project.created_at,
        }
        password = identifiers.create_password()
        role = project.roles.add(Role(name=spec.role, password=password, **times))
        database = project.databases.add(
            Database(
                id=identifiers.create_database_id(),
                name=spec.database,
                owner_name=spec.role,
                **times,
            )
        )
        return role, database

    def _run_in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._log_failure(work))
        self._closing_projects.add(task)
        task.add_done_callback(self._closing_projects.discard)
        return task

    async def _log_failure(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            self._log.exception("neon_emulator.project_close_failed")


def _set_state(branch: Branch, state: str) -> None:
    branch.state = state


async def _start_project(project: Project, role: Role, database: Database) -> None:
    async with project.server_lock:
        await project.compute.start()
        await project.compute.create_role(role.name, role.password)
        role.real_name = role.name
        await project.compute.create_database(database.name, role.name)
        database.real_name = database.name


def _mark_settled(project: Project, role: Role, database: Database) -> None:
    role.settled = database.settled = project.endpoint.started = True
