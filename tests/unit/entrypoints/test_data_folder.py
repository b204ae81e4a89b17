"""pgvend's own folder, and the secret in it."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from pydantic import SecretStr

from domain.errors import StartupError
from entrypoints.data_folder import kept_secret, open_data_folder, service_secret
from entrypoints.provider_settings import ProviderName
from entrypoints.settings import Settings

GIVEN = "the operator's own secret, long enough"
DSN = SecretStr("postgresql://admin:hunter2@db.example:5432/postgres")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_missing_folder_is_made_for_us_alone(tmp_path: Path) -> None:
    folder = open_data_folder(tmp_path / "some" / "where")

    assert mode(folder) == 0o700


def test_a_folder_that_others_could_look_into_is_closed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)

    open_data_folder(tmp_path / "data")

    assert mode(tmp_path / "data") == 0o700


@pytest.mark.parametrize(
    "left",
    [
        ".secret.abc",
        "lost+found",
        "secret",
        "embedded",
        "registry.sqlite3",
        "registry.sqlite3-wal",
        "registry.sqlite3-shm",
        "registry.sqlite3.lock",
    ],
)
def test_what_a_crash_or_a_file_system_left_does_not_make_a_folder_foreign(
    tmp_path: Path, left: str
) -> None:
    (tmp_path / left).mkdir()

    assert open_data_folder(tmp_path) == tmp_path


def test_a_folder_of_other_things_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "thesis.tex").touch()

    with pytest.raises(StartupError, match="PGVEND_DATA_DIR"):
        open_data_folder(tmp_path)

    assert mode(tmp_path) == 0o755


def test_the_folders_above_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "above").mkdir()
    before = mode(tmp_path / "above")

    open_data_folder(tmp_path / "above" / "data")

    assert mode(tmp_path / "above") == before


def test_a_relative_folder_becomes_absolute(tmp_path: Path) -> None:
    assert open_data_folder(Path("data")) == (tmp_path / "data").resolve()


def test_what_is_no_folder_is_refused_with_a_mend(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    for impossible in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/1/pgvend")):
        with pytest.raises(StartupError, match=r"cannot be used .* PGVEND_DATA_DIR"):
            open_data_folder(impossible)


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    made = kept_secret(tmp_path)

    assert len(bytes.fromhex(made.reveal())) == 32
    assert kept_secret(tmp_path) == made


def test_two_folders_have_two_secrets(tmp_path: Path) -> None:
    one, other = open_data_folder(tmp_path / "1"), open_data_folder(tmp_path / "2")

    assert kept_secret(one) != kept_secret(other)


def test_the_secret_is_for_us_alone_and_nothing_else_is_left(tmp_path: Path) -> None:
    before = os.umask(0)
    kept_secret(tmp_path)
    os.umask(before)

    assert os.listdir(tmp_path) == ["secret"]
    assert mode(tmp_path / "secret") == 0o600


def test_of_many_who_make_a_secret_at_once_all_get_the_same(tmp_path: Path) -> None:
    """Two containers over one volume have the same process number, too."""
    racers = 8
    together = Barrier(racers)

    def race(_: int) -> str:
        together.wait()
        return kept_secret(tmp_path).reveal()

    with ThreadPoolExecutor(racers) as threads:
        secrets = set(threads.map(race, range(racers)))

    assert len(secrets) == 1
    assert os.listdir(tmp_path) == ["secret"]


@pytest.mark.parametrize("text", ["", "\n", "short", "x" * 31 + "\n"])
def test_a_damaged_secret_is_refused_and_not_replaced(tmp_path: Path, text: str) -> None:
    """A new one would lock every tenant out whose password is written again."""
    (tmp_path / "secret").write_text(text)

    with pytest.raises(StartupError, match="put the old secret back"):
        kept_secret(tmp_path)

    assert (tmp_path / "secret").read_text() == text


def test_a_line_end_that_an_editor_added_does_not_change_the_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x" * 40)
    before = kept_secret(tmp_path)

    (tmp_path / "secret").write_text("x" * 40 + "\r\n")

    assert kept_secret(tmp_path) == before


def test_the_operators_secret_counts_and_no_folder_is_needed(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", secret=GIVEN, provider=ProviderName.MEMORY)

    assert service_secret(settings).reveal() == GIVEN
    assert not (tmp_path / "data").exists()


def test_records_in_a_file_need_a_folder_but_no_secret_in_it(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path / "data",
        secret=GIVEN,
        provider=ProviderName.POSTGRES,
        postgres_admin_dsn=DSN,
    )

    assert service_secret(settings).reveal() == GIVEN
    assert list((tmp_path / "data").iterdir()) == []
    assert mode(tmp_path / "data") == 0o700


def test_with_everything_on_servers_no_folder_is_needed(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path / "data",
        secret=GIVEN,
        provider=ProviderName.POSTGRES,
        postgres_admin_dsn=DSN,
        registry_url=DSN,
    )

    assert service_secret(settings).reveal() == GIVEN
    assert not (tmp_path / "data").exists()


def test_a_backup_of_the_records_makes_no_folder_ours(tmp_path: Path) -> None:
    """Our own secret or records do."""
    (tmp_path / "registry.sqlite3.backup").touch()
    (tmp_path / "thesis.tex").touch()

    with pytest.raises(StartupError, match="PGVEND_DATA_DIR"):
        open_data_folder(tmp_path)


def test_the_bundled_server_needs_a_folder_but_no_secret_in_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", secret=GIVEN)

    assert service_secret(settings).reveal() == GIVEN
    assert list((tmp_path / "data").iterdir()) == []
    assert mode(tmp_path / "data") == 0o700


def test_a_secret_that_cannot_be_read_is_told_with_a_mend(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()

    with pytest.raises(StartupError, match="PGVEND_DATA_DIR"):
        kept_secret(tmp_path)


def test_without_one_the_secret_is_that_of_the_folder(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")

    assert service_secret(settings) == kept_secret(tmp_path / "data")
    assert mode(tmp_path / "data") == 0o700
