"""Does what the operator set fit together? Asked once, at the start."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from adapters.neon.branch import NeonBranch
from adapters.neon.client import Client, path
from adapters.neon.errors import NotVisible
from adapters.neon.projects import NeonProjects
from adapters.neon.uris import direct_host
from adapters.neon.wire import Endpoint, OneProject, Project
from domain.errors import StartupError

OLDEST = 15
"""Version of PostgreSQL, as for any server."""


async def checked_project(client: Client, project_id: str) -> Project:
    """Raises StartupError when there is no such project for this key."""
    with where_invisible(
        f"Neon shows no project {project_id} to this key: check NEON_PROJECT_ID, what "
        "NEON_API_KEY may see and, where it is set, NEON_API_URL."
    ):
        found = await client.read(path("projects", project_id), OneProject)
    return found.project


async def check_branch(branch: NeonBranch, host: str) -> None:
    """Raises StartupError: no such branch, no read-write compute, or a host of something else."""
    with where_invisible(f"The Neon project has no branch {branch.id}: check NEON_BRANCH_ID."):
        await branch.check()
        endpoints = await branch.endpoints()
    writable = [each for each in endpoints if each.type == "read_write" and not each.disabled]
    if not writable:
        raise StartupError(
            f"The Neon branch {branch.id} has no read-write compute: add or enable one in Neon's "
            "console."
        )
    _check_host(writable, branch.id, host)


async def check_may_see_projects(projects: NeonProjects) -> None:
    """Raises StartupError when the key is for one project only."""
    with where_invisible(
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


@contextmanager
def where_invisible(mend: str) -> Iterator[None]:
    """`mend` is the error where Neon shows nothing."""
    try:
        yield
    except NotVisible as error:
        raise StartupError(mend) from error
