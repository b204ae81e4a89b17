"""Checks of the Neon settings at startup."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from adapters.neon.addresses import remove_pooler_suffix
from adapters.neon.api_models import Endpoint, Project, ProjectResponse
from adapters.neon.branch import NeonBranch
from adapters.neon.client import Client, build_path
from adapters.neon.errors import NotVisible
from adapters.neon.projects import NeonProjects
from domain.errors import StartupError

MIN_VERSION = 15
"""Major version of PostgreSQL, the same as for any server."""


async def check_project(client: Client, project_id: str) -> Project:
    """Return the project. Raises StartupError if the API key cannot see it."""
    with reporting_invisible(
        f"The Neon project {project_id} does not exist, or the API key cannot see it: check "
        "NEON_PROJECT_ID, the permissions of NEON_API_KEY and, if it is set, NEON_API_URL."
    ):
        response = await client.read(build_path("projects", project_id), ProjectResponse)
    return response.project


async def check_branch(branch: NeonBranch, host: str) -> None:
    """Raise StartupError if the branch is missing, has no read-write compute, or has another
    host."""
    with reporting_invisible(f"The Neon project has no branch {branch.id}: check NEON_BRANCH_ID."):
        await branch.check()
        endpoints = await branch.list_endpoints()
    writable = [each for each in endpoints if each.type == "read_write" and not each.disabled]
    if not writable:
        raise StartupError(
            f"The Neon branch {branch.id} has no enabled read-write compute: add or enable one in "
            "Neon's console."
        )
    _check_host(writable, branch.id, host)


async def check_project_access(projects: NeonProjects) -> None:
    """Raise StartupError if the API key is limited to one project."""
    with reporting_invisible(
        "NEON_API_KEY is limited to one project: set a key that may create projects, or another "
        "mode than PGVEND_NEON_ISOLATION=project."
    ):
        await projects.find_by_prefix("pgvend:")


def check_version(project: Project) -> None:
    """Raise StartupError if the project's PostgreSQL is too old for pgvend's SQL."""
    if project.pg_version and project.pg_version < MIN_VERSION:
        raise StartupError(
            f"The Neon project has PostgreSQL {project.pg_version}: PGVEND_NEON_ISOLATION=role "
            f"needs version {MIN_VERSION} or newer."
        )


def _check_host(endpoints: Sequence[Endpoint], branch_id: str, host: str) -> None:
    hosts = [endpoint.host for endpoint in endpoints]
    if remove_pooler_suffix(host) not in hosts:
        raise StartupError(
            f"NEON_HOST={host} is not a read-write compute of the Neon branch {branch_id}: set it "
            f"to {' or '.join(hosts)}."
        )


@contextmanager
def reporting_invisible(message: str) -> Iterator[None]:
    """Turn NotVisible into a StartupError with this message."""
    try:
        yield
    except NotVisible as error:
        raise StartupError(message) from error
