"""Data of another PostgreSQL than the newest."""

import pytest

from adapters.embedded.binaries import NEWEST
from domain.errors import StartupError
from tests.support.bundles import data_of, keep_note, notes, opened
from tests.support.callers import vend
from tests.support.orders import new_order
from tests.support.servers import ram_folder
from tests.support.service import running_service, servers_in


async def test_a_new_folder_gets_the_newest() -> None:
    with ram_folder() as folder:
        async with opened(folder):
            assert (data_of(folder) / "PG_VERSION").read_text() == f"{NEWEST}\n"


async def test_data_of_16_stays_with_16() -> None:
    with ram_folder() as folder:
        async with opened(folder, major=16) as provider:
            connection = await provider.provision(new_order())
            await keep_note(connection, "kept")
        async with running_service(folder) as service:
            assert await notes(connection) == ["kept"]
            await keep_note(await vend(service.url, "New"), "works")
            assert (data_of(folder) / "PG_VERSION").read_text() == "16\n"


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("12\n", "holds PostgreSQL 12 and the bundled ones are 16, 18: dump it"),
        ("99\n", "holds PostgreSQL 99"),
        ("9.6\n", "holds PostgreSQL '9.6'"),
        ("", "holds PostgreSQL ''"),
        ("¹⁸\n", "holds PostgreSQL '¹⁸'"),
    ],
)
async def test_data_that_no_bundled_server_reads_is_told_and_kept(version: str, told: str) -> None:
    with ram_folder() as folder:
        data_of(folder).mkdir(parents=True)
        (data_of(folder) / "PG_VERSION").write_text(version)
        with pytest.raises(StartupError) as refusal:
            async with opened(folder):
                pass
        assert told in str(refusal.value)
        assert [each.name for each in data_of(folder).iterdir()] == ["PG_VERSION"]
        assert servers_in(folder) == []
