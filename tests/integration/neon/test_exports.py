"""Exports from Neon: with isolation by roles, pgvend opens databases by SQL."""

from pathlib import Path

import pytest

from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.provider import PostgresProvider
from domain.errors import ProviderRejected
from domain.targets import Isolation
from tests.support.databases import provisioned_database
from tests.support.exports import FILE, create_exporter, list_files
from tests.support.neon.emulator import RunningEmulator
from tests.support.neon.providers import provider_on
from tests.support.provision_requests import new_provision_request


async def test_a_suspended_database_is_dumped_and_stays_suspended(
    neon: RunningEmulator, tmp_path: Path
) -> None:
    provision_request = new_provision_request()
    async with (
        provider_on(neon, Isolation.ROLE) as provider,
        provisioned_database(provider, provision_request) as connection,
    ):
        assert isinstance(provider, PostgresProvider)
        await provider.suspend(provision_request.tenant)

        await create_exporter(provider, tmp_path).export(provision_request.tenant, FILE)

        assert list_files(tmp_path) == [FILE]
        with pytest.raises(ProviderRejected):
            await PostgresLoginCheck().verify(connection)
