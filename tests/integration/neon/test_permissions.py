"""API keys that cannot see or delete projects: an empty list is never assumed."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adapters.neon.errors import NotVisible
from domain.targets import Isolation
from entrypoints.neon_emulator.state.project import Project
from tests.support.databases import expected_item, find_in_inventory, provisioned_database
from tests.support.neon.emulator import RunningEmulator, override_behaviour_now
from tests.support.neon.providers import provider_on
from tests.support.provision_requests import new_provision_request

NONE, ROLE, PROJECT = Isolation.NONE, Isolation.ROLE, Isolation.PROJECT


@pytest.mark.parametrize("status", [404, 403])
async def test_an_invisible_project_is_not_treated_as_empty(
    neon: RunningEmulator, status: int
) -> None:
    provision_request = new_provision_request()
    async with (
        provider_on(neon, NONE) as provider,
        provisioned_database(provider, provision_request),
    ):
        calls = (
            provider.ping,
            provider.inventory,
            lambda: provider.delete(provision_request.tenant),
            lambda: provider.provision(provision_request),
        )
        with override_behaviour_now(neon, foreign_status=status), _hidden_projects(neon):
            for call in calls:
                with pytest.raises(NotVisible):
                    await call()

        assert await find_in_inventory(provider, provision_request) == [
            expected_item(provision_request)
        ]


@pytest.mark.parametrize("status", [404, 403])
async def test_a_project_that_the_key_may_not_delete_remains(
    neon: RunningEmulator, status: int
) -> None:
    provision_request = new_provision_request()
    async with (
        provider_on(neon, PROJECT) as provider,
        provisioned_database(provider, provision_request),
    ):
        with (
            override_behaviour_now(neon, foreign_status=status),
            _changed_project_id(neon, neon.get_newest_project()),
            pytest.raises(NotVisible),
        ):
            await provider.delete(provision_request.tenant)

        assert await find_in_inventory(provider, provision_request) == [
            expected_item(provision_request)
        ]


@contextmanager
def _hidden_projects(neon: RunningEmulator) -> Iterator[None]:
    """Hide all projects, as from a key that is limited to another one."""
    projects = dict(neon.emulator.projects)
    neon.emulator.projects.clear()
    try:
        yield
    finally:
        neon.emulator.projects.update(projects)


@contextmanager
def _changed_project_id(neon: RunningEmulator, project: Project) -> Iterator[None]:
    """List a project that is not found by its id, as for a key that may only see it."""
    projects = neon.emulator.projects
    projects["another-id"] = projects.pop(project.id)
    try:
        yield
    finally:
        projects[project.id] = projects.pop("another-id")
