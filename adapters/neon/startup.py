"""Startup of a Neon provider: checks of the settings, and the provider for the isolation."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from structlog.stdlib import BoundLogger

from adapters.neon.admin import create_admin_login, find_admin_address
from adapters.neon.api_provider import ApiProvider
from adapters.neon.branch import NeonBranch
from adapters.neon.budget import Budget
from adapters.neon.claims import ClaimStore
from adapters.neon.client import RESPONSE_TIMEOUT, TraceRequest, open_client, without_trace
from adapters.neon.operations import OperationWaiter
from adapters.neon.pace import Pace
from adapters.neon.project_provider import ProjectProvider
from adapters.neon.projects import NeonProjects
from adapters.neon.role_provider import RoleProvider
from adapters.neon.startup_checks import (
    check_branch,
    check_project,
    check_project_access,
    check_version,
    reporting_invisible,
)
from adapters.postgres.factory import check_server, open_provider
from adapters.postgres.marks import Marks
from adapters.postgres.server import Server
from domain.errors import ProviderRejected, StartupError, Unavailable
from domain.postgres_url import Address
from domain.secrets import Secret
from domain.targets import Isolation
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider

T = TypeVar("T")

START_PAUSES = (0.5, 1.0, 2.0)
"""Seconds between attempts at startup."""

NO_ISOLATION = (
    "Every role that Neon's API creates can read and change all databases of the branch; set "
    "PGVEND_NEON_ISOLATION=role to isolate tenants."
)


@dataclass(frozen=True, kw_only=True)
class NeonAccess:
    """A Neon branch, and how to reach it: the API with `api_url` and `key`, the databases with
    `host`, which may be the pooled host."""

    api_url: str
    key: Secret = field(repr=False)
    project_id: str
    branch_id: str
    host: str


@dataclass(frozen=True, kw_only=True)
class NeonConfig:
    """Configuration of a provider on Neon. `response_timeout` is in seconds; all requests share
    `budget`."""

    access: NeonAccess
    isolation: Isolation
    installation: str
    connection_limit: int
    clock: Clock
    log: BoundLogger
    budget: Budget
    response_timeout: float = RESPONSE_TIMEOUT
    trace_request: TraceRequest = without_trace


@asynccontextmanager
async def open_neon(neon: NeonConfig) -> AsyncIterator[DatabaseProvider]:
    """Open the provider for the configured isolation.

    Raises StartupError if the project, branch, API key or host is wrong.
    """
    access, marks, clock = neon.access, Marks(neon.installation), neon.clock
    async with open_client(
        access.api_url,
        access.key,
        neon.budget,
        clock,
        neon.response_timeout,
        neon.trace_request,
    ) as client:
        project = await retry_at_start(partial(check_project, client, access.project_id), clock)
        waiter = OperationWaiter(client, project.id, clock, Pace())
        branch = NeonBranch(client, project.id, access.branch_id, waiter)
        await retry_at_start(partial(check_branch, branch, access.host), clock)
        match neon.isolation:
            case Isolation.PROJECT:
                projects = NeonProjects(client, project)
                await retry_at_start(partial(check_project_access, projects), clock)
                yield ProjectProvider(projects, branch, marks, clock)
            case Isolation.ROLE:
                check_version(project)
                server = await retry_at_start(partial(describe_server, branch, neon), clock)
                async with _open_role_provider(branch, server, neon) as provider:
                    yield provider
            case _:
                neon.log.warning("neon.no_isolation", detail=NO_ISOLATION)
                server = await retry_at_start(partial(describe_server, branch, neon), clock)
                claims = ClaimStore(server.admin, marks)
                await retry_at_start(claims.create_table, clock)
                yield ApiProvider(branch, server, claims)


async def retry_at_start(call: Callable[[], Awaitable[T]], clock: Clock) -> T:
    """Call a function, and repeat it a few times while Neon is unavailable. Raises StartupError."""
    try:
        for pause in START_PAUSES:
            with suppress(Unavailable):
                return await call()
            await clock.sleep(pause)
        return await call()
    except Unavailable as error:
        raise StartupError(
            f"Neon is unavailable; if that continues, check NEON_API_URL: {error}"
        ) from error
    except ProviderRejected as error:
        raise StartupError(f"Neon cannot be used: {error}") from error


@asynccontextmanager
async def _open_role_provider(
    branch: NeonBranch, server: Server, neon: NeonConfig
) -> AsyncIterator[RoleProvider]:
    async with open_provider(server, neon.installation) as sql:
        where = "the branch's roles in Neon's console"
        await check_server(sql, neon.log, where, has_superuser=False)
        yield RoleProvider(server=sql.server, marks=sql.marks, pool=sql.pool, branch=branch)


async def describe_server(branch: NeonBranch, neon: NeonConfig) -> Server:
    """Describe the branch's server: tenants use the configured host, and port and TLS mode are
    those of Neon's connection URIs."""
    with reporting_invisible(
        "The API key cannot see the databases of the Neon branch: check the permissions of "
        "NEON_API_KEY."
    ):
        admin = await find_admin_address(branch)
        pooled = await branch.find_address(admin.database, admin.user, pooled=True)
    host, login = neon.access.host, create_admin_login(branch, admin, neon.clock)
    return Server(
        admin=login,
        public=(Address(host, admin.port),),
        pooler_host=None if pooled.host in {host, admin.host} else pooled.host,
        sslmode=admin.sslmode,
        connection_limit=neon.connection_limit,
        accepts_verifiers=False,
        can_copy=False,
        pooler_bypass={"host": admin.host, "tls": login["tls"]},
    )
