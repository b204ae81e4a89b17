"""A provider over Neon, for as long as a context lasts."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from structlog.stdlib import BoundLogger

from adapters.neon.admin import admin_address, admin_login
from adapters.neon.api_provider import ApiProvider
from adapters.neon.branch import NeonBranch
from adapters.neon.budget import Budget
from adapters.neon.client import PATIENCE, opened_client
from adapters.neon.fitness import Place, check_branch, check_projects, checked_project
from adapters.neon.ledger import Ledger
from adapters.neon.operations import Pace, Waiting
from adapters.neon.project_provider import ProjectProvider
from adapters.neon.projects import NeonProjects
from adapters.neon.role_provider import RoleProvider
from adapters.postgres.opening import check_server, opened_provider
from adapters.postgres.server import Server
from adapters.postgres.sight import Marks
from domain.database import Isolation
from domain.errors import PgvendError, StartupError
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider

NO_ISOLATION = (
    "Every role that Neon's API makes can read and change all databases of the branch; "
    "PGVEND_NEON_ISOLATION=role keeps tenants apart."
)


@dataclass(frozen=True, kw_only=True)
class Neon:
    """How to vend on Neon. `patience`, in seconds, is for one answer, `budget` for all requests."""

    place: Place
    isolation: Isolation
    installation: str
    connection_limit: int
    clock: Clock
    log: BoundLogger
    budget: Budget
    patience: float = PATIENCE


@asynccontextmanager
async def opened_neon(neon: Neon) -> AsyncIterator[DatabaseProvider]:
    """Raises StartupError when something about the project, the branch, the key or the host does
    not fit."""
    place, marks = neon.place, Marks(neon.installation)
    async with opened_client(place.api_url, place.key, neon.budget, neon.patience) as client:
        project = await checked_project(client, place)
        waiting = Waiting(client, project.id, neon.clock, Pace())
        branch = NeonBranch(client, project.id, place.branch_id, waiting)
        await check_branch(branch, place.host)
        match neon.isolation:
            case Isolation.PROJECT:
                yield await _by_project(NeonProjects(client, project), marks, neon.clock)
            case Isolation.ROLE:
                async with _by_role(branch, await _server(branch, neon), neon) as provider:
                    yield provider
            case _:
                neon.log.warning("neon.no_isolation", detail=NO_ISOLATION)
                yield await _by_api(branch, await _server(branch, neon), marks)


async def _by_project(projects: NeonProjects, marks: Marks, clock: Clock) -> ProjectProvider:
    await check_projects(projects)
    return ProjectProvider(projects, marks, clock)


@asynccontextmanager
async def _by_role(branch: NeonBranch, server: Server, neon: Neon) -> AsyncIterator[RoleProvider]:
    async with opened_provider(server, neon.installation) as sql:
        await check_server(sql, neon.log, "the branch's roles in Neon's console")
        yield RoleProvider(server=sql.server, marks=sql.marks, pool=sql.pool, branch=branch)


async def _by_api(branch: NeonBranch, server: Server, marks: Marks) -> ApiProvider:
    ledger = Ledger(server.admin, marks)
    with _told():
        await ledger.open()
    return ApiProvider(branch, server, ledger)


async def _server(branch: NeonBranch, neon: Neon) -> Server:
    """Tenants reach it by the host that the operator set; port and TLS are those of Neon's URIs."""
    with _told():
        admin = await admin_address(branch)
        pooled = await branch.address(admin.database, admin.user, pooled=True)
    host = neon.place.host
    return Server(
        admin=admin_login(branch, admin, neon.clock),
        public_host=host,
        public_port=admin.port,
        pooler_host=None if pooled.host in {host, admin.host} else pooled.host,
        sslmode=admin.sslmode,
        connection_limit=neon.connection_limit,
        takes_verifiers=False,
        detour={"host": admin.host},
    )


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except PgvendError as error:
        raise StartupError(f"Neon cannot be used: {error}") from error
