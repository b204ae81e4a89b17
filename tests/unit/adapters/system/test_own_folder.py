"""Removal of pgvend's entries in its data folder, and of nothing else."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from adapters.system.own_folder import FOREIGN, LINK, OwnFolder
from domain.errors import UninstallFailed
from entrypoints.config.data_folder import CONTENTS, LOCKS

RECORDS, SECRET, SERVER_LOCK = "registry.sqlite3", "secret", "embedded/lock"

LOCK_FILES = [lock.name for lock in LOCKS]

ENTRIES = [RECORDS, f"{RECORDS}-wal", f"{RECORDS}.lock", SECRET, ".secret.a1", "admin-key"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A complete data folder of a service that does not run."""
    folder = tmp_path.resolve() / "data"
    (folder / "embedded" / "data" / "base").mkdir(parents=True)
    for name in (*ENTRIES, SERVER_LOCK, "embedded/port", "embedded/data/base/1"):
        (folder / name).write_text("12345")
    return folder


@pytest.fixture
def treasure(tmp_path: Path) -> Path:
    """A folder of somebody else, with a file that must stay."""
    folder = tmp_path.resolve() / "treasure"
    folder.mkdir()
    (folder / SECRET).write_text("of others")
    return folder


@pytest.fixture
def removals() -> Iterator[list[str]]:
    """The names of what this process removes, in order. Python calls a hook for each."""
    names: list[str] = []
    _REMOVALS.append(names)
    yield names
    _REMOVALS.remove(names)


_REMOVALS: list[list[str]] = []


def _record(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"os.remove", "os.rmdir"}:
        for names in _REMOVALS:
            names.append(Path(os.fsdecode(arguments[0])).name)


sys.addaudithook(_record)


def own(folder: Path) -> OwnFolder:
    return OwnFolder(path=folder, contents=CONTENTS, locks=LOCKS)


def remove(folder: Path) -> None:
    with own(folder).hold():
        own(folder).remove()


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Lock the file as a running service does."""
    with open(file, "ab") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def test_everything_of_pgvend_is_removed(folder: Path) -> None:
    remove(folder)
    assert not folder.exists()


def test_a_missing_folder_is_empty(tmp_path: Path) -> None:
    remove(tmp_path / "nothing" / "here")
    assert own(tmp_path / "nothing" / "here").list_items() == []


def test_the_list_changes_nothing_and_shows_what_and_how_much_there_is(folder: Path) -> None:
    items = {Path(item.place).name: item for item in own(folder).list_items()}
    assert set(items) == {*ENTRIES, "embedded"}
    assert items[RECORDS].contents == "the records"
    assert (items[SECRET].size, items["embedded"].size) == (5, 15)
    assert (folder / "embedded" / "data" / "base" / "1").exists()


def test_files_of_others_stay(folder: Path) -> None:
    (folder / "thesis.tex").touch()
    (folder / f"{RECORDS}.backup").touch()
    kept = [Path(item.place).name for item in own(folder).list_items() if item.kept == FOREIGN]
    remove(folder)
    assert sorted(os.listdir(folder)) == sorted(kept) == [f"{RECORDS}.backup", "thesis.tex"]
    assert own(folder).list_items() == [], "nothing of pgvend is left"


def test_a_folder_that_can_be_another_programs_is_refused(folder: Path) -> None:
    """A project can have a file `secret` and a folder `embedded`."""
    (folder / "main.c").touch()
    for lock in LOCKS:
        (folder / lock).unlink(missing_ok=True)
    before = sorted(folder.rglob("*"))
    with pytest.raises(UninstallFailed, match="PGVEND_DATA_DIR"):
        own(folder).list_items()
    with pytest.raises(UninstallFailed, match="PGVEND_DATA_DIR"):
        remove(folder)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("lock", [f"{RECORDS}.lock", SERVER_LOCK, "admin-key.address"])
def test_the_folder_of_a_running_service_is_refused(folder: Path, lock: str) -> None:
    before = {*folder.rglob("*"), folder / lock}
    with locked(folder / lock), pytest.raises(UninstallFailed, match="in use"):
        remove(folder)
    assert {*folder.rglob("*")} == before


@pytest.mark.parametrize("lock", [f"{RECORDS}.lock", SERVER_LOCK])
def test_no_service_can_start_before_the_folder_is_gone(folder: Path, lock: str) -> None:
    with open(folder / lock, "ab") as of_a_service, own(folder).hold():
        own(folder).remove()
        with pytest.raises(BlockingIOError):
            fcntl.flock(of_a_service, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_second_uninstallation_at_the_same_time_is_refused(folder: Path) -> None:
    with own(folder).hold(), pytest.raises(UninstallFailed, match="in use"), own(folder).hold():
        pass


@pytest.mark.parametrize("name", ["embedded/data/pg_wal", "embedded/data/base/2", "embedded/x"])
def test_links_in_the_folder_are_removed_and_their_targets_stay(
    folder: Path, treasure: Path, name: str
) -> None:
    (folder / name).symlink_to(treasure)
    remove(folder)
    assert not folder.exists()
    assert (treasure / SECRET).read_text() == "of others"


@pytest.mark.parametrize("name", [RECORDS, "embedded", "embedded/data"])
def test_an_entry_that_is_a_link_does_not_lead_elsewhere(
    folder: Path, treasure: Path, name: str
) -> None:
    (folder / name).rename(treasure / "moved")
    (folder / name).symlink_to(treasure / "moved")
    kept = [item for item in own(folder).list_items() if item.kept]
    remove(folder)
    assert (treasure / "moved").exists()
    is_entry = "/" not in name
    assert [item.kept for item in kept] == [LINK] * is_entry
    assert (folder / name).is_symlink() == is_entry


@pytest.mark.parametrize("link", ["data", "above"])
def test_a_folder_behind_a_link_is_refused(folder: Path, tmp_path: Path, link: str) -> None:
    above = tmp_path.resolve() / "links"
    above.mkdir()
    (above / link).symlink_to(folder if link == "data" else folder.parent)
    behind = above / "data" if link == "data" else above / link / "data"
    with pytest.raises(UninstallFailed, match=f"PGVEND_DATA_DIR to {folder}"):
        remove(behind)
    assert (folder / RECORDS).exists()


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_after_a_crash_the_rest_is_removed(folder: Path, lock: Path) -> None:
    """The files that identify the folder are removed last."""
    (folder / "thesis.tex").touch()
    for other in set(LOCKS) - {lock}:
        (folder / other).unlink(missing_ok=True)
    (folder / lock).touch()
    (folder / RECORDS).unlink()
    remove(folder)
    assert os.listdir(folder) == ["thesis.tex"]


def test_lock_files_are_removed_last(folder: Path, removals: list[str]) -> None:
    (folder / "admin-key.address").touch()
    remove(folder)
    assert [name for name in removals if name in LOCK_FILES] == LOCK_FILES
    assert removals.index("base") < removals.index("lock")
    assert removals[-5:] == ["lock", "embedded", *LOCK_FILES[1:], "data"]


def test_files_too_deep_for_this_program_are_reported(folder: Path) -> None:
    """A server that was broken into can have them; newer versions of Python remove them."""
    _nest(folder / "embedded", 1050)
    try:
        with suppress(UninstallFailed):
            remove(folder)
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)


def _nest(folder: Path, depth: int) -> None:
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
