"""The account's Neon projects whose names have pgvend's mark."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from adapters.neon.api_models import (
    ApiModel,
    Branches,
    NewProject,
    Project,
    ProjectResponse,
    Projects,
)
from adapters.neon.client import Client, build_path
from adapters.neon.errors import NotVisible
from domain.errors import ProviderRejected
from domain.names import PgNames

PAGE_SIZE = "400"
"""Neon's maximum; its default is 10."""


@dataclass(frozen=True)
class NeonProjects:
    """The projects. New ones get the region, version and organization of the configured project."""

    client: Client
    configured: Project

    async def check(self) -> None:
        await self.client.read(build_path("projects", self.configured.id), ProjectResponse)

    async def find_by_prefix(self, prefix: str) -> Sequence[Project]:
        """Return the projects whose names start with a prefix, oldest first."""
        projects = {project.id: project async for project in self._search(prefix)}
        matching = [each for each in projects.values() if each.name.startswith(prefix)]
        return sorted(matching, key=lambda project: (project.created_at, project.id))

    async def _search(self, text: str) -> AsyncIterator[Project]:
        """Read all pages. The last page has a cursor too, to an empty page or to itself."""
        query = {"limit": PAGE_SIZE, "search": text}
        if self.configured.org_id:
            query["org_id"] = self.configured.org_id
        seen = {""}
        while True:
            page = await self.client.read("/projects", Projects, **query)
            for project in page.projects:
                yield project
            if not page.projects or page.pagination.cursor in seen:
                return
            query["cursor"] = page.pagination.cursor
            seen.add(page.pagination.cursor)

    async def create(self, name: str, names: PgNames) -> NewProject:
        """Create a project without waiting for its operations.

        Project names are not unique: repeating the call creates another project.
        """
        configured = {
            "region_id": self.configured.region_id,
            "pg_version": self.configured.pg_version,
            "org_id": self.configured.org_id,
        }
        project = {
            "name": name,
            "branch": {"database_name": names.database, "role_name": names.owner},
            **{setting: value for setting, value in configured.items() if value is not None},
        }
        return await self.client.write("POST", "/projects", NewProject, {"project": project})

    async def rename(self, project: Project, name: str) -> None:
        """Rename a project. Idempotent."""
        path = build_path("projects", project.id)
        await self.client.write("PATCH", path, ApiModel, {"project": {"name": name}})

    async def delete(self, project: Project) -> None:
        """Delete a project and everything in it. Do nothing if it does not exist."""
        try:
            await self.client.write("DELETE", build_path("projects", project.id), ApiModel)
        except NotVisible:
            await self.check()  # raises if the key cannot see any project
            if project.id in {each.id for each in await self.find_by_prefix(project.name)}:
                raise  # the key may not delete it

    async def find_default_branch(self, project: Project) -> str:
        """Return the id of the branch with the flag `default`; its name varies."""
        path = build_path("projects", project.id, "branches")
        response = await self.client.read(path, Branches)
        for branch in response.branches:
            if branch.default:
                return branch.id
        raise ProviderRejected(
            f"The Neon project {project.id} has no default branch: set one in Neon's console."
        )
