"""The contract of the exporter."""

from pathlib import Path

import pytest

from adapters.memory.exporter import MemoryExporter
from adapters.memory.provider import MemoryProvider
from adapters.postgres.provider import PostgresProvider
from domain.errors import DatabaseNotFound, ProviderRejected, StaleRecord
from ports.driven.exporter import Exporter
from tests.contract.conftest import KINDS, only
from tests.contract.provider_kinds import ProviderSetup
from tests.support.databases import find_in_inventory, provisioned_database
from tests.support.exports import FILE, create_exporter
from tests.support.provision_requests import new_provision_request, refuse

EXPORTING = [KINDS[name] for name in ("memory", "embedded-18", "postgres-15")]

pytestmark = only(lambda kind: kind in EXPORTING)


@pytest.fixture
def exporter(setup: ProviderSetup, tmp_path: Path) -> Exporter:
    if isinstance(setup.provider, MemoryProvider):
        return MemoryExporter(setup.provider)
    assert isinstance(setup.provider, PostgresProvider)
    return create_exporter(setup.provider, tmp_path)


async def test_an_exported_tenant_stays_suspended_and_keeps_its_password(
    setup: ProviderSetup, exporter: Exporter
) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request) as connection:
        await setup.provider.suspend(provision_request.tenant)
        before = await find_in_inventory(setup.provider, provision_request)

        for _ in range(2):
            assert await exporter.export(provision_request.tenant, FILE) > 0
            with pytest.raises(ProviderRejected):
                await setup.login_check.verify(connection)

        assert await find_in_inventory(setup.provider, provision_request) == before
        assert await setup.provider.provision(provision_request) == connection
        await setup.login_check.verify(connection)


async def test_an_exported_tenant_can_be_deleted(setup: ProviderSetup, exporter: Exporter) -> None:
    provision_request = new_provision_request()
    await setup.provider.provision(provision_request)
    await setup.provider.suspend(provision_request.tenant)
    await exporter.export(provision_request.tenant, FILE)

    assert await setup.provider.delete(provision_request.tenant) is None

    with pytest.raises(DatabaseNotFound):
        await exporter.export(provision_request.tenant, FILE)


async def test_a_superseded_export_closes_nothing(setup: ProviderSetup, exporter: Exporter) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request) as connection:
        with pytest.raises(StaleRecord):
            await exporter.export(provision_request.tenant, FILE, refuse)
        await setup.login_check.verify(connection)


async def test_a_file_can_be_removed_twice(setup: ProviderSetup, exporter: Exporter) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request):
        await setup.provider.suspend(provision_request.tenant)
        await exporter.export(provision_request.tenant, FILE)

        for _ in range(2):
            await exporter.remove(FILE)
