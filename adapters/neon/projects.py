"""The account's Neon projects whose names have pgvend's mark."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from adapters.neon.api_models import Branches, NewProject, OneProject, Project, Projects, Wire
from adapters.neon.client import Client, path
from adapters.neon.errors import NotVisible
from domain.errors import ProviderRejected
from domain.names import Names

PAGE = "400"
"""Neon's maximum; its default is 10."""


@dataclass(frozen=True)
class NeonProjects:
    """New projects get the region, version and organization of the configured project."""

    client: Client
    like: Project

    async def check(self) -> None:
        await self.client.read(path("projects", self.like.id), OneProject)

    async def named(self, beginning: str) -> Sequence[Project]:
        """Return the projects whose names start with a prefix, oldest first."""
        found = {project.id: project async for project in self._search(beginning)}
        mine = [project for project in found.values() if project.name.startswith(beginning)]
        return sorted(mine, key=lambda project: (project.created_at, project.id))

    async def _search(self, text: str) -> AsyncIterator[Project]:
        """Read all pages. The last page has a cursor too, to an empty page or to itself."""
        query = {"limit": PAGE, "search": text}
        if self.like.org_id:
            query["org_id"] = self.like.org_id
        seen = {""}
        while True:
            page = await self.client.read("/projects", Projects, **query)
            for project in page.projects:
                yield project
            if not page.projects or page.pagination.cursor in seen:
                return
            query["cursor"] = page.pagination.cursor
            seen.add(page.pagination.cursor)

    async def make(self, name: str, names: Names) -> NewProject:
        """Create a project without waiting for its operations.

        Project names are not unique: repeating the call creates another project.
        """
        like = {
            "region_id": self.like.region_id,
            "pg_version": self.like.pg_version,
            "org_id": self.like.org_id,
        }
        project = {
            "name": name,
            "branch": {"database_name": names.database, "role_name": names.owner},
            **{setting: value for setting, value in like.items() if value is not None},
        }
        return await self.client.write("POST", "/projects", NewProject, {"project": project})

    async def drop(self, project: Project) -> None:
        """Delete a project and everything in it. Do nothing if it does not exist."""
        try:
            await self.client.write("DELETE", path("projects", project.id), Wire)
        except NotVisible:
            await self.check()  # raises if the key cannot see any project
            if project.id in {each.id for each in await self.named(project.name)}:
                raise  # the key may not delete it

    async def default_branch(self, project: Project) -> str:
        """Return the id of the branch with the flag `default`; its name varies."""
        found = await self.client.read(path("projects", project.id, "branches"), Branches)
        for branch in found.branches:
            if branch.default:
                return branch.id
        raise ProviderRejected(f"The Neon project {project.id} has no default branch.")
