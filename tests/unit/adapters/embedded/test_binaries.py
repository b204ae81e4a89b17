"""PostgreSQL's programs, and the copy that the server's account can read."""

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.embedded.binaries import NEWEST, PROGRAMS, own_programs, shared_programs
from domain.errors import StartupError
from tests.support.needs import lacking


@pytest.fixture
def _strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.parametrize("major", PROGRAMS)
@pytest.mark.parametrize("program", ["initdb", "postgres"])
def test_the_wheel_has_the_programs(major: int, program: str) -> None:
    assert os.access(own_programs(major) / program, os.X_OK)


def test_a_folder_of_another_version_is_refused_with_a_mend() -> None:
    with pytest.raises(StartupError, match=r"PostgreSQL 14 .* 16, 18: dump it"):
        own_programs(14)


@pytest.mark.usefixtures("_strict_umask")
def test_everybody_can_read_the_copy_and_only_its_maker_write_whatever_the_umask(
    tmp_path: Path,
) -> None:
    copies = tmp_path / "copies"

    programs = shared_programs(NEWEST, copies)

    modes = {path: path.lstat().st_mode for path in (copies, *copies.rglob("*"))}
    real = {path: mode for path, mode in modes.items() if not stat.S_ISLNK(mode)}
    assert (programs / "postgres") in real
    assert [path for path, mode in real.items() if not mode & stat.S_IROTH] == []
    assert [path for path, mode in real.items() if mode & (stat.S_IWOTH | stat.S_IWGRP)] == []
    folders_and_programs = [path for path in real if path.is_dir() or path.parent == programs]
    assert [path for path in folders_and_programs if not real[path] & stat.S_IXOTH] == []


def test_the_copy_holds_every_program_and_library_of_the_wheel(tmp_path: Path) -> None:
    original = own_programs(NEWEST).parent

    copy = shared_programs(NEWEST, tmp_path).parent

    for folder in ("bin", "lib", "share"):
        expected = {path.name for path in (original / folder).iterdir()}
        missing = expected - {path.name for path in (copy / folder).iterdir()}
        assert {name for name in missing if not name.endswith(".a")} <= {"include"}


def test_the_copy_is_made_once(tmp_path: Path) -> None:
    first = shared_programs(NEWEST, tmp_path)
    inode = first.stat().st_ino

    assert shared_programs(NEWEST, tmp_path) == first
    assert first.stat().st_ino == inode


def test_services_that_start_at_once_share_one_copy(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as threads:
        found = set(threads.map(lambda _: shared_programs(NEWEST, tmp_path), range(3)))

    (programs,) = found
    assert os.access(programs / "postgres", os.X_OK)
    assert len(os.listdir(tmp_path)) == 1, "a copy was left half-made"


def test_a_folder_that_somebody_else_made_is_not_used(tmp_path: Path) -> None:
    """Who owns the folder can put other programs into it."""
    copies = tmp_path / "copies"
    copies.mkdir()
    _give_away(copies)

    with pytest.raises(StartupError, match="belongs to somebody else"):
        shared_programs(NEWEST, copies)


def _give_away(folder: Path) -> None:
    if os.geteuid() != 0:
        lacking("root, who alone can give files away")
    os.chown(folder, 65534, 65534)
