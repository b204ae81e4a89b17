"""Does what the operator set fit together? Asked once, at the start."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from adapters.neon.branch import NeonBranch
from adapters.neon.client import Client, path
from adapters.neon.errors import NotVisible
from adapters.neon.projects import NeonProjects
from adapters.neon.wire import Endpoint, OneProject, Project
from domain.errors import StartupError
from domain.secret import Secret

OLDEST = 15
"""Version of PostgreSQL, as for any server."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One Neon branch, and how it is reached: the API by `api_url` and `key`, the databases by
    `host`, which may be the branch's pooled one."""

    api_url: str
    key: Secret = field(repr=False)
    project_id: str
    branch_id: str
    host: str


async def checked_project(client: Client, place: Place) -> Project:
    """Raises StartupError when there is no such project for this key."""
    with told(
        f"Neon shows no project {place.project_id} to this key: check NEON_PROJECT_ID, what "
        "NEON_API_KEY may see and, where it is set, NEON_API_URL."
    ):
        found = await client.read(path("projects", place.project_id), OneProject)
    return found.project


async def check_branch(branch: NeonBranch, host: str) -> None:
    """Raises StartupError: no such branch, no read-write compute, or a host of something else."""
    with told(f"The Neon project has no branch {branch.id}: check NEON_BRANCH_ID."):
        await branch.check()
        endpoints = await branch.endpoints()
    writable = [each for each in endpoints if each.type == "read_write" and not each.disabled]
    if not writable:
        raise StartupError(
            f"The Neon branch {branch.id} has no read-write compute: add or enable one in Neon's "
            "console."
        )
    _check_host(writable, branch.id, host)


async def check_projects(projects: NeonProjects) -> None:
    """Raises StartupError when the key is for one project only."""
    with told(
        "The key sees no projects but its own: PGVEND_NEON_ISOLATION=project needs a NEON_API_KEY "
        "that may make projects."
    ):
        await projects.named("pgvend:")


def check_version(project: Project) -> None:
    """Raises StartupError when roles and databases cannot be made there by our SQL."""
    if project.pg_version and project.pg_version < OLDEST:
        raise StartupError(
            f"The Neon project has PostgreSQL {project.pg_version}, and "
            f"PGVEND_NEON_ISOLATION=role needs {OLDEST} or newer."
        )


def _check_host(endpoints: Sequence[Endpoint], branch_id: str, host: str) -> None:
    hosts = [endpoint.host for endpoint in endpoints]
    if direct_host(host) not in hosts:
        raise StartupError(
            f"NEON_HOST={host} is no read-write compute of the Neon branch {branch_id}: set it to "
            f"{' or '.join(hosts)}."
        )


def direct_host(host: str) -> str:
    """Without the `-pooler` that Neon appends to the first label of a pooled host."""
    first, dot, rest = host.partition(".")
    return first.removesuffix("-pooler") + dot + rest


@contextmanager
def told(mend: str) -> Iterator[None]:
    try:
        yield
    except NotVisible as error:
        raise StartupError(mend) from error
