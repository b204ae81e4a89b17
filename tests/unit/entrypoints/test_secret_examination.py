"""A secret that was lost or changed is told before it is missed."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters.registry.remembered import Record, Remembered
from domain.checkup import Outcome
from domain.errors import StartupError
from domain.passwords import name_of
from domain.secret import Secret
from entrypoints.secret_examination import SecretExamination
from entrypoints.settings import Settings
from tests.support.checkups import FAIL, OK, outcomes

OLD, NEW = "the-old-secret-of-the-service-000", "the-new-secret-of-the-service-111"

NOTHING = Remembered()


async def test_before_the_first_start_there_is_none_and_none_is_made(tmp_path: Path) -> None:
    found = await _examined(NOTHING, data_dir=tmp_path / "data")

    assert found["secret"].verdict is OK
    assert os.listdir(tmp_path) == []


async def test_the_one_that_is_set_fits() -> None:
    found = await _examined(_recorded(OLD), secret=OLD)

    assert found["secret"].verdict is found["passwords"].verdict is OK
    assert OLD not in repr(found)


async def test_records_from_before_secrets_had_names_come_from_the_first_one() -> None:
    before = Remembered(revision="0002", live=(Record("db_1", "embedded", ""),))

    assert (await _examined(before, secret=OLD))["passwords"].verdict is OK
    kept = Remembered(revision="0003", kept=name_of(Secret(OLD)), live=before.live)
    assert (await _examined(kept, secret=NEW))["passwords"].verdict is FAIL


async def test_one_that_was_changed_is_told_with_the_way_back() -> None:
    found = await _examined(_recorded(OLD), secret=NEW)

    assert found["passwords"].verdict is FAIL
    assert "1 database" in found["passwords"].detail
    assert "PGVEND_SECRET_PREVIOUS" in found["passwords"].detail


async def test_one_that_was_rotated_is_kept_until_all_have_moved() -> None:
    found = await _examined(_recorded(OLD), secret=NEW, secret_previous=OLD)

    assert found["passwords"].verdict is OK
    assert "keep it" in found["passwords"].detail


async def test_one_that_is_lost_is_told_with_what_depends_on_it(tmp_path: Path) -> None:
    found = await _examined(_recorded(OLD), data_dir=tmp_path)

    assert found["secret"].verdict is FAIL
    assert "1 database" in found["secret"].detail


async def test_the_one_in_the_data_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{OLD}\n")

    found = await _examined(_recorded(OLD), data_dir=tmp_path)

    assert found["secret"].verdict is found["passwords"].verdict is OK


async def test_a_damaged_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("short")

    with pytest.raises(StartupError, match="damaged"):
        await _examined(NOTHING, data_dir=tmp_path)


async def test_what_was_made_elsewhere_does_not_count() -> None:
    found = await _examined(_recorded(OLD, "postgres"), secret=NEW)

    assert found["passwords"].verdict is OK


def _recorded(secret: str, target: str = "embedded") -> Remembered:
    name = name_of(Secret(secret))
    return Remembered(revision="0003", kept=name, live=(Record("db_1", target, name),))


async def _examined(records: Remembered, **given: Any) -> Mapping[str, Outcome]:
    async def look() -> Remembered:
        return records

    return await outcomes(SecretExamination(Settings(**given), look))
