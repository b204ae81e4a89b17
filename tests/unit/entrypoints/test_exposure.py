"""What the settings alone tell about who gets in."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from domain.checkup import Outcome, Verdict
from entrypoints.exposure import SettingsExamination, browsers, callers, way_in
from entrypoints.settings import Settings
from tests.support.checkups import FAIL, OK, WARN, outcomes

KEY = "a-key-of-sixteen-characters-or-more"


def test_on_loopback_no_keys_are_needed() -> None:
    assert callers(Settings()).verdict is OK


def test_beyond_loopback_keys_are() -> None:
    outcome = callers(Settings(host="0.0.0.0"))

    assert outcome.verdict is FAIL
    assert "PGVEND_API_KEYS" in outcome.detail


def test_behind_proxies_keys_are_needed_on_loopback_too() -> None:
    outcome = callers(Settings(trusted_proxies="127.0.0.1"))

    assert outcome.verdict is FAIL
    assert "PGVEND_TRUSTED_PROXIES" in outcome.detail


@pytest.mark.parametrize("given", [{"api_keys": KEY}, {"admin_key": KEY}])
def test_with_keys_it_may_listen_anywhere(given: Any) -> None:
    outcome = callers(Settings(host="0.0.0.0", **given))

    assert outcome.verdict is OK
    assert KEY not in repr(outcome)


def test_answers_beyond_loopback_want_tls_or_a_proxy() -> None:
    assert _way_in(host="127.0.0.1").verdict is OK
    assert _way_in().verdict is WARN
    assert _way_in(trusted_proxies="10.0.0.7").verdict is OK


async def test_files_that_do_not_do_for_tls_are_told(tmp_path: Path) -> None:
    (tmp_path / "pem").write_text("no PEM")
    file = tmp_path / "pem"

    found = await outcomes(SettingsExamination(Settings(tls_cert=file, tls_key=file)))

    assert found["way in"].verdict is FAIL
    assert str(tmp_path / "pem") in found["way in"].detail


def test_pages_of_any_origin_are_warned_of() -> None:
    assert browsers(Settings()).verdict is OK
    assert browsers(Settings(cors_allow_origins="https://app.example")).verdict is OK
    assert browsers(Settings(cors_allow_origins="*")).verdict is WARN


async def test_databases_that_do_not_exist_are_warned_of() -> None:
    found = await outcomes(SettingsExamination(Settings(provider="memory")))

    assert found["provider"].verdict is WARN
    assert "data folder" not in found


async def test_a_data_folder_that_is_missing_is_not_made(tmp_path: Path) -> None:
    assert await _data_folder(tmp_path / "deep" / "data") is OK
    assert os.listdir(tmp_path) == []


async def test_a_data_folder_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s" * 64)
    os.chmod(tmp_path, 0o700)
    closed = await _data_folder(tmp_path)
    os.chmod(tmp_path, 0o710)  # noqa: S103 - that is what has to be found

    assert (closed, await _data_folder(tmp_path)) == (OK, WARN)
    assert stat.S_IMODE(os.stat(tmp_path).st_mode) == 0o710


async def test_somebody_elses_folder_is_none_for_data(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")

    assert await _data_folder(tmp_path) is FAIL


async def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")

    assert await _data_folder(tmp_path / "data") is FAIL
    assert await _data_folder(tmp_path / "data" / "below") is FAIL


def _way_in(**given: Any) -> Outcome:
    return way_in(Settings(**{"host": "0.0.0.0", **given}))


async def _data_folder(folder: Path) -> Verdict:
    found = await outcomes(SettingsExamination(Settings(data_dir=folder)))
    return found["data folder"].verdict
