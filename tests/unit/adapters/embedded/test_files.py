"""Files in a folder of somebody whom we do not trust, and the copy of PostgreSQL for it."""

import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.embedded.account import Account
from adapters.embedded.binaries import BUNDLED, Wheel
from adapters.embedded.files import write_file
from domain.errors import StartupError
from tests.support.needs import lacking

NOBODY = 65534


@pytest.fixture
def as_root() -> None:
    if os.geteuid() != 0:
        lacking("root, who alone can give files away")


@pytest.fixture
def _strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_a_file_is_for_its_owner_alone_and_replaces_an_old_one(tmp_path: Path) -> None:
    (tmp_path / "file.new").write_text("half, of a writer that was killed")
    write_file(tmp_path / "file", "a long old text", None)
    write_file(tmp_path / "file", "text\n", None)

    assert (tmp_path / "file").read_text() == "text\n"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("name", ["file", "file.new"])
@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_a_link_in_the_files_place_is_not_followed(
    tmp_path: Path, name: str, link: Callable[[Path, Path], None]
) -> None:
    """Root would else write into /etc/passwd what the server's account likes."""
    precious = tmp_path / "precious"
    precious.write_text("precious")
    link(tmp_path / name, precious)

    write_file(tmp_path / "file", "new", None)

    assert precious.read_text() == "precious"
    assert not (tmp_path / "file").is_symlink()
    assert (tmp_path / "file").read_text() == "new"


@pytest.mark.usefixtures("as_root")
def test_the_file_belongs_to_the_account(tmp_path: Path) -> None:
    write_file(tmp_path / "file", "text", Account(uid=NOBODY, gid=NOBODY))
    owner = (tmp_path / "file").stat()
    assert (owner.st_uid, owner.st_gid) == (NOBODY, NOBODY)


@pytest.mark.parametrize("program", ["initdb", "postgres"])
def test_the_wheel_has_the_programs(program: str) -> None:
    assert os.access(BUNDLED.own_programs() / program, os.X_OK)


def test_a_missing_wheel_is_told_with_the_way_out(tmp_path: Path) -> None:
    missing = Wheel("no_such_wheel")

    with pytest.raises(StartupError, match=r"pip install no-such-wheel.*PGVEND_EMBEDDED_PROGRAMS"):
        missing.own_programs()
    with pytest.raises(StartupError, match="pip install no-such-wheel"):
        missing.shared_programs(tmp_path)


@pytest.mark.usefixtures("_strict_umask")
def test_everybody_can_read_the_copy_and_only_its_maker_write_whatever_the_umask(
    tmp_path: Path,
) -> None:
    copies = tmp_path / "copies"

    programs = BUNDLED.shared_programs(copies)

    modes = {path: path.lstat().st_mode for path in (copies, *copies.rglob("*"))}
    real = {path: mode for path, mode in modes.items() if not stat.S_ISLNK(mode)}
    assert (programs / "postgres") in real
    assert [path for path, mode in real.items() if not mode & stat.S_IROTH] == []
    assert [path for path, mode in real.items() if mode & (stat.S_IWOTH | stat.S_IWGRP)] == []
    folders_and_programs = [path for path in real if path.is_dir() or path.parent == programs]
    assert [path for path in folders_and_programs if not real[path] & stat.S_IXOTH] == []


def test_the_copy_is_made_once_and_holds_every_program_and_library(tmp_path: Path) -> None:
    original, copy = BUNDLED.own_programs().parent, BUNDLED.shared_programs(tmp_path).parent
    inode = (copy / "bin").stat().st_ino

    for folder in ("bin", "lib", "share"):
        expected = {path.name for path in (original / folder).iterdir()}
        missing = expected - {path.name for path in (copy / folder).iterdir()}
        assert {name for name in missing if not name.endswith(".a")} <= {"include"}
    assert BUNDLED.shared_programs(tmp_path) == copy / "bin"
    assert (copy / "bin").stat().st_ino == inode


def test_services_that_start_at_once_share_one_copy(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as threads:
        [programs] = set(threads.map(lambda _: BUNDLED.shared_programs(tmp_path), range(3)))
    assert os.access(programs / "postgres", os.X_OK)
    assert len(os.listdir(tmp_path)) == 1, "a copy was left half-made"


@pytest.mark.usefixtures("as_root")
def test_a_folder_that_somebody_else_made_is_not_used(tmp_path: Path) -> None:
    """Who owns the folder can put other programs into it."""
    os.chown(tmp_path, NOBODY, NOBODY)
    with pytest.raises(StartupError, match="belongs to somebody else"):
        BUNDLED.shared_programs(tmp_path)
