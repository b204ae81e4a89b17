"""Files in a folder of an untrusted user, and the copy of PostgreSQL for that user."""

import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.embedded.account import Account
from adapters.embedded.binaries import BUNDLED, Wheel
from adapters.embedded.files import MAX_BYTES, read_file, write_file
from adapters.embedded.trust import check_folder
from domain.errors import StartupError
from tests.support.requirements import skip_without

NOBODY = 65534


@pytest.fixture
def as_root() -> None:
    if os.geteuid() != 0:
        skip_without("root, to give files away")


@pytest.fixture
def _strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_a_file_has_mode_0600_and_replaces_an_old_one(tmp_path: Path) -> None:
    (tmp_path / "file.new").write_text("half, of a writer that was killed")
    write_file(tmp_path / "file", "a long old text", None)
    write_file(tmp_path / "file", "text\n", None)
    assert (tmp_path / "file").read_text() == "text\n"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("name", ["file", "file.new"])
@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_a_link_in_place_of_the_file_is_not_followed(
    tmp_path: Path, name: str, link: Callable[[Path, Path], None]
) -> None:
    """Otherwise the server's account could make root write to /etc/passwd."""
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


def test_a_missing_wheel_is_reported_with_a_fix(tmp_path: Path) -> None:
    missing = Wheel("no_such_wheel")
    with pytest.raises(StartupError, match=r"pip install no-such-wheel.*PGVEND_EMBEDDED_PROGRAMS"):
        missing.find_programs()
    with pytest.raises(StartupError, match="pip install no-such-wheel"):
        missing.share_programs(tmp_path)


@pytest.mark.usefixtures("_strict_umask")
def test_all_users_can_read_the_copy_and_only_its_owner_can_write(tmp_path: Path) -> None:
    copies = tmp_path / "copies"

    programs = BUNDLED.share_programs(copies)

    modes = {path: path.lstat().st_mode for path in (copies, *copies.rglob("*"))}
    real = {path: mode for path, mode in modes.items() if not stat.S_ISLNK(mode)}
    assert (programs / "postgres") in real
    assert [path for path, mode in real.items() if not mode & stat.S_IROTH] == []
    assert [path for path, mode in real.items() if mode & (stat.S_IWOTH | stat.S_IWGRP)] == []
    folders_and_programs = [path for path in real if path.is_dir() or path.parent == programs]
    assert [path for path in folders_and_programs if not real[path] & stat.S_IXOTH] == []


def test_the_copy_is_created_once_with_every_program_and_library(tmp_path: Path) -> None:
    original, copy = BUNDLED.find_programs().parent, BUNDLED.share_programs(tmp_path).parent
    inode = (copy / "bin").stat().st_ino

    for folder in ("bin", "lib", "share"):
        expected = {path.name for path in (original / folder).iterdir()}
        missing = expected - {path.name for path in (copy / folder).iterdir()}
        assert {name for name in missing if not name.endswith(".a")} <= {"include"}
    assert BUNDLED.share_programs(tmp_path) == copy / "bin"
    assert (copy / "bin").stat().st_ino == inode


def test_services_that_start_at_once_share_one_copy(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as threads:
        [programs] = set(threads.map(lambda _: BUNDLED.share_programs(tmp_path), range(3)))
    assert os.access(programs / "postgres", os.X_OK)
    assert len(os.listdir(tmp_path)) == 1, "an incomplete copy was left"


@pytest.mark.usefixtures("as_root")
def test_a_folder_of_another_user_is_not_used(tmp_path: Path) -> None:
    """The owner of the folder can put other programs into it."""
    os.chown(tmp_path, NOBODY, NOBODY)
    with pytest.raises(StartupError, match="belongs to another user"):
        BUNDLED.share_programs(tmp_path)


def give_to_another_user(path: Path) -> None:
    os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def make_world_writable(path: Path) -> None:
    path.chmod(0o777)


@pytest.mark.usefixtures("as_root")
@pytest.mark.parametrize("change", [give_to_another_user, make_world_writable])
@pytest.mark.parametrize("where", [".", "..", "../..", "../bin/postgres", "../lib", "../../.."])
def test_a_copy_that_another_user_can_change_is_refused_each_time(
    tmp_path: Path, change: Callable[[Path], None], where: str
) -> None:
    wheel, copies = small_wheel(tmp_path), tmp_path / "copies"
    programs = wheel.share_programs(copies)
    assert wheel.share_programs(copies) == programs

    change((programs / where).resolve())

    for check in (wheel.share_programs, wheel.check_shared_copy):
        with pytest.raises(StartupError, match=r"others can change it: remove .*copies"):
            check(copies)


@pytest.mark.usefixtures("as_root")
def test_a_copy_behind_a_link_to_another_users_folder_is_refused(tmp_path: Path) -> None:
    wheel, elsewhere = small_wheel(tmp_path), tmp_path / "elsewhere" / "copies"
    wheel.share_programs(elsewhere)
    (tmp_path / "copies").symlink_to(elsewhere)
    wheel.share_programs(tmp_path / "copies")

    give_to_another_user(elsewhere.parent)

    with pytest.raises(StartupError, match="elsewhere belongs to another user"):
        wheel.share_programs(tmp_path / "copies")


def small_wheel(folder: Path) -> Wheel:
    """Return the bundled wheel with few of its files: each test copies it."""

    class Small(Wheel):
        def _find_site_packages(self) -> Path:
            return folder / "site"

    tree = folder / "site" / BUNDLED.package / BUNDLED.tree
    for name in ("bin/postgres", "lib/libpq.so.5"):
        (tree / name).parent.mkdir(parents=True)
        (tree / name).touch(0o755)
    (tree / "lib" / "libpq.so").symlink_to("libpq.so.5")
    return Small(BUNDLED.package)


@pytest.mark.usefixtures("as_root")
def test_a_folder_that_the_account_can_replace_is_refused(tmp_path: Path) -> None:
    account, folder = Account(uid=NOBODY, gid=NOBODY), tmp_path / "above" / "embedded"
    folder.mkdir(parents=True)
    check_folder(folder, account)

    (tmp_path / "above").chmod(0o777)
    with pytest.raises(StartupError, match=r"can change .*above, .*chmod go-w"):
        check_folder(folder, account)
    (tmp_path / "above").chmod(0o1777)  # as /tmp
    check_folder(folder, account)
    give_to_another_user(tmp_path / "above")
    with pytest.raises(StartupError, match=r"can change .*above, .*chown root"):
        check_folder(folder, account)


@pytest.mark.parametrize(
    "create", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")]
)
def test_only_regular_files_are_read(tmp_path: Path, create: Callable[[Path], None]) -> None:
    create(tmp_path / "file")
    assert read_file(tmp_path / "file") is None


def test_a_file_is_read_up_to_a_limit_and_only_if_the_owner_matches(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * (MAX_BYTES + 1))

    assert read_file(tmp_path / "file", os.geteuid()) == "x" * MAX_BYTES
    assert read_file(tmp_path / "file", NOBODY) is None
    assert read_file(tmp_path / "none") is None
