"""Files in a folder that belongs to somebody whom we do not trust."""

import os
import stat
from pathlib import Path

import pytest

from adapters.embedded.account import Account
from adapters.embedded.files import write_file
from tests.support.needs import lacking

NOBODY = 65534


def test_a_file_holds_what_was_written_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    write_file(tmp_path / "file", "text\n", None)

    assert (tmp_path / "file").read_text() == "text\n"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_an_old_file_is_replaced(tmp_path: Path) -> None:
    write_file(tmp_path / "file", "a long old text", None)
    write_file(tmp_path / "file", "new", None)

    assert (tmp_path / "file").read_text() == "new"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("name", ["file", "file.new"])
def test_a_link_in_the_files_place_is_not_followed(tmp_path: Path, name: str) -> None:
    """Root would else write into /etc/passwd what the server's account likes."""
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (tmp_path / name).symlink_to(precious)

    write_file(tmp_path / "file", "new", None)

    assert precious.read_text() == "precious"
    assert not (tmp_path / "file").is_symlink()
    assert (tmp_path / "file").read_text() == "new"


@pytest.mark.parametrize("name", ["file", "file.new"])
def test_a_hard_link_in_the_files_place_is_not_written_through(tmp_path: Path, name: str) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (tmp_path / name).hardlink_to(precious)

    write_file(tmp_path / "file", "new", None)

    assert precious.read_text() == "precious"


def test_a_file_that_was_begun_and_not_finished_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file.new").write_text("half")

    write_file(tmp_path / "file", "whole", None)

    assert os.listdir(tmp_path) == ["file"]


def test_the_file_belongs_to_the_account(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        lacking("root, who alone can give files away")

    write_file(tmp_path / "file", "text", Account(uid=NOBODY, gid=NOBODY))

    owner = (tmp_path / "file").stat()
    assert (owner.st_uid, owner.st_gid) == (NOBODY, NOBODY)
