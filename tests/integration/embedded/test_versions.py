"""Data of another PostgreSQL than the newest."""

from pathlib import Path

import pytest

from adapters.embedded.binaries import NEWEST
from domain.errors import StartupError
from tests.support.bundles import data_of, keep_note, notes, opened
from tests.support.orders import new_order
from tests.support.service import servers_in


@pytest.mark.parametrize("major", [16, None])
async def test_data_stays_with_its_version_which_is_the_newest_in_a_new_folder(
    new_folder: Path, major: int | None
) -> None:
    async with opened(new_folder, major=major) as provider:
        connection = await provider.provision(new_order())
        await keep_note(connection, "kept")
    async with opened(new_folder) as provider:
        assert await notes(connection) == ["kept"]
        await keep_note(await provider.provision(new_order()), "works")
        assert (data_of(new_folder) / "PG_VERSION").read_text() == f"{major or NEWEST}\n"


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
async def test_data_that_no_bundled_server_reads_is_told_and_kept(
    new_folder: Path, version: str, told: str
) -> None:
    data_of(new_folder).mkdir(parents=True)
    (data_of(new_folder) / "PG_VERSION").write_text(version)
    with pytest.raises(StartupError) as refusal:
        async with opened(new_folder):
            pass
    assert told in str(refusal.value)
    assert [each.name for each in data_of(new_folder).iterdir()] == ["PG_VERSION"]
    assert servers_in(new_folder) == []
