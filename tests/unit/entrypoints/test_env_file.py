"""Settings that are written to a file."""

import os
import stat
from pathlib import Path

import pytest

from domain.errors import StartupError
from entrypoints.config.env_file import write_settings

SETTINGS = {"NEON_HOST": "a.example", "NEON_API_KEY": "k"}
LINES = "NEON_HOST=a.example\nNEON_API_KEY=k\n"


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    write_settings(file, SETTINGS)
    assert file.read_text() == LINES
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_other_lines_and_the_mode_of_the_file_stay(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# mine\nPORT=1\nexport NEON_HOST=old\n NEON_API_KEY = old\nNEON_HOST_2=x")
    file.chmod(0o644)
    write_settings(file, SETTINGS)
    assert file.read_text() == f"# mine\nPORT=1\nNEON_HOST_2=x\n{LINES}"
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_the_file_behind_a_link_is_written(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_settings(tmp_path / "link", SETTINGS)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == LINES


def test_a_reader_has_the_former_file_until_the_new_one_is_complete(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("former\n")
    with file.open() as reader:
        write_settings(file, SETTINGS)
        assert reader.read() == "former\n"
    assert os.listdir(tmp_path) == [".env"]


@pytest.mark.parametrize("place", ["missing/.env", "folder", "text/.env", "loop"])
def test_a_file_that_cannot_be_written_is_reported(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_bytes(b"\xff")
    (tmp_path / "loop").symlink_to("loop")
    for file in (place, "text"):
        with pytest.raises(StartupError, match=r"cannot be written \(.+\): choose another file"):
            write_settings(tmp_path / file, SETTINGS)
    assert sorted(os.listdir(tmp_path)) == ["folder", "loop", "text"]
