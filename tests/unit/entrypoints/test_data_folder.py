"""The data folder, and the secret in it."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from domain.errors import StartupError
from entrypoints.config.data_folder import (
    load_service_secret,
    open_data_folder,
    read_or_create_secret,
)
from entrypoints.config.settings import Settings

GIVEN_SECRET = "the operator's own secret, long enough"
DSN = "postgresql://admin:hunter2@db.example:5432/postgres"
ON_A_SERVER = {"provider": "postgres", "postgres_admin_dsn": DSN}

OWN_NAMES = [
    *(".secret.abc", "lost+found", "secret", "embedded"),
    *(f"registry.sqlite3{end}" for end in ("", "-wal", "-shm", ".lock")),
]

NEEDS_A_FOLDER: dict[str, tuple[dict[str, Any], bool]] = {
    "all in memory": ({"provider": "memory"}, False),
    "all on servers": ({**ON_A_SERVER, "registry_url": DSN}, False),
    "records in a file": (ON_A_SERVER, True),
    "the bundled server": ({}, True),
}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_missing_folder_is_created_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "above").mkdir()
    before = mode(tmp_path / "above")
    assert mode(open_data_folder(tmp_path / "above" / "some" / "where")) == 0o700
    assert mode(tmp_path / "above") == before


def test_an_open_folder_is_closed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    assert open_data_folder(Path("data")) == (tmp_path / "data").resolve(), "now absolute"
    assert mode(tmp_path / "data") == 0o700


@pytest.mark.parametrize("leftover", OWN_NAMES)
def test_a_folder_with_files_of_a_crash_is_accepted(tmp_path: Path, leftover: str) -> None:
    (tmp_path / leftover).mkdir()
    assert open_data_folder(tmp_path) == tmp_path


@pytest.mark.parametrize("others", [[], ["registry.sqlite3.backup"]])
def test_a_foreign_folder_is_refused_and_unchanged(tmp_path: Path, others: list[str]) -> None:
    tmp_path.chmod(0o755)
    for name in ("thesis.tex", *others):
        (tmp_path / name).touch()
    with pytest.raises(StartupError, match="PGVEND_DATA_DIR"):
        open_data_folder(tmp_path)
    assert mode(tmp_path) == 0o755


@pytest.mark.parametrize("impossible", ["file", "file/below", "/proc/1/pgvend"])
def test_an_unusable_path_is_refused(tmp_path: Path, impossible: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartupError, match=r"cannot be used .* PGVEND_DATA_DIR"):
        open_data_folder(tmp_path / impossible)


def test_a_folder_gets_one_secret_closed_to_others(tmp_path: Path) -> None:
    one, other = open_data_folder(tmp_path / "1"), open_data_folder(tmp_path / "2")
    before = os.umask(0)
    secret = read_or_create_secret(one)
    os.umask(before)

    assert len(bytes.fromhex(secret.reveal())) == 32
    assert read_or_create_secret(one) == secret != read_or_create_secret(other)
    assert os.listdir(one) == ["secret"]
    assert mode(one / "secret") == 0o600


def test_concurrent_creators_of_a_secret_get_the_same_one(tmp_path: Path) -> None:
    """Two containers over one volume can also have the same process id."""
    racers = 8
    together = Barrier(racers)

    def race(_: int) -> str:
        together.wait()
        return read_or_create_secret(tmp_path).reveal()

    with ThreadPoolExecutor(racers) as threads:
        secrets = set(threads.map(race, range(racers)))

    assert len(secrets) == 1
    assert os.listdir(tmp_path) == ["secret"]


@pytest.mark.parametrize("text", ["", "\n", "short", "x" * 31 + "\n"])
def test_a_damaged_secret_is_refused_and_not_replaced(tmp_path: Path, text: str) -> None:
    """A new secret would lock out every tenant whose password is written again."""
    (tmp_path / "secret").write_text(text)
    with pytest.raises(StartupError, match="restore the old secret"):
        read_or_create_secret(tmp_path)
    assert (tmp_path / "secret").read_text() == text


def test_a_secret_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    with pytest.raises(StartupError, match="PGVEND_DATA_DIR"):
        read_or_create_secret(tmp_path)


def test_a_line_end_does_not_change_the_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x" * 40)
    before = read_or_create_secret(tmp_path)
    (tmp_path / "secret").write_text("x" * 40 + "\r\n")
    assert read_or_create_secret(tmp_path) == before


@pytest.mark.parametrize(("given", "is_made"), NEEDS_A_FOLDER.values(), ids=list(NEEDS_A_FOLDER))
def test_a_secret_from_the_settings_needs_a_folder_only_for_files(
    tmp_path: Path, given: dict[str, Any], is_made: bool
) -> None:
    folder = tmp_path / "data"
    assert (
        load_service_secret(Settings(data_dir=folder, secret=GIVEN_SECRET, **given)).reveal()
        == GIVEN_SECRET
    )
    assert folder.exists() == is_made
    if is_made:
        assert (mode(folder), os.listdir(folder)) == (0o700, [])


def test_without_the_setting_the_secret_is_in_the_folder(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    assert load_service_secret(settings) == read_or_create_secret(tmp_path / "data")
    assert mode(tmp_path / "data") == 0o700
