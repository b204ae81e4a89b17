"""The admin key in the data folder: made by the service, found by client commands."""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from domain.errors import StartupError
from domain.secrets import Secret
from entrypoints.config.client import load_client_settings
from entrypoints.config.data_folder import open_data_folder
from entrypoints.config.local_admin import LocalAdmin, load_local_admin
from entrypoints.config.local_key import (
    ADDRESS_FILE,
    KEY_FILE,
    find_key_in,
    find_local_key,
    is_trusted,
)
from entrypoints.config.settings import Settings
from tests.unit.entrypoints.conftest import Environment

KEY = Secret("the-key-of-the-admin")

ANYWHERE = {"host": "0.0.0.0"}
NEEDS_NO_KEY = {
    "loopback": {"host": "127.0.0.1"},
    "with an admin": ANYWHERE | {"admin_key": "0123456789abcdef0123"},
    "with keys": ANYWHERE | {"api_keys": "0123456789abcdef0123"},
}


@pytest.fixture
def admin(tmp_path: Path) -> LocalAdmin:
    (tmp_path / KEY_FILE).write_text(f"{KEY.reveal()}\n")
    return LocalAdmin(tmp_path / KEY_FILE, KEY)


@pytest.fixture
def served(admin: LocalAdmin) -> Iterator[LocalAdmin]:
    with admin.publish_address("http", "0.0.0.0", 8000):
        yield admin


def load(folder: Path, **given: str) -> LocalAdmin:
    admin = load_local_admin(Settings(data_dir=folder, **(ANYWHERE | given)))
    assert admin
    return admin


def find(folder: Path, url: str = "http://127.0.0.1:8000") -> Secret | None:
    return find_key_in(folder, urlsplit(url))


def test_the_first_start_makes_a_key_closed_to_others_and_later_ones_use_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    before = os.umask(0)
    admin = load(folder)
    os.umask(before)

    assert (admin.file, os.listdir(folder)) == (folder / KEY_FILE, [KEY_FILE])
    assert stat.S_IMODE(admin.file.stat().st_mode) == 0o600
    assert admin.file.read_text() == f"{admin.key.reveal()}\n"
    assert load(folder) == admin
    assert load(tmp_path / "other").key != admin.key


@pytest.mark.parametrize("given", NEEDS_NO_KEY.values(), ids=list(NEEDS_NO_KEY))
def test_no_key_is_made_where_none_is_needed(tmp_path: Path, given: dict[str, str]) -> None:
    assert load_local_admin(Settings(data_dir=tmp_path / "data", **given)) is None
    assert not (tmp_path / "data").exists()


def test_replicas_are_refused_because_each_would_make_a_key(tmp_path: Path) -> None:
    shared = {"registry_url": "postgresql://db.example/registry", "secret": "s" * 32}
    with pytest.raises(StartupError, match="set PGVEND_ADMIN_KEY"):
        load(tmp_path / "data", **shared)
    assert not (tmp_path / "data").exists()


def test_the_key_is_the_admins(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, **ANYWHERE)
    admin = load(tmp_path)
    [key] = admin.add_to(settings).static_keys
    assert key.caller.can_see_all
    assert not admin.add_to(settings).is_open
    assert admin.key.reveal() not in repr((admin, admin.add_to(settings)))


def test_a_key_that_others_could_read_is_closed_to_them(admin: LocalAdmin) -> None:
    admin.file.chmod(0o644)
    assert load(admin.file.parent) == admin
    assert stat.S_IMODE(admin.file.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "\n", "short", "x" * 20 + " " + "x" * 20])
def test_a_damaged_key_is_refused_and_not_replaced(admin: LocalAdmin, text: str) -> None:
    admin.file.write_text(text)
    with pytest.raises(StartupError, match=r"is damaged: .* remove the file"):
        load(admin.file.parent)
    assert admin.file.read_text() == text


def _link(file: Path, target: Path) -> None:
    file.symlink_to(target)


OBSTACLES: dict[str, Callable[[Path, Path], None]] = {
    "a link": _link,
    "a folder": lambda file, target: file.mkdir(),
    "a pipe": lambda file, target: os.mkfifo(file),
}


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("name", [KEY_FILE, ADDRESS_FILE])
@pytest.mark.parametrize("put", OBSTACLES.values(), ids=list(OBSTACLES))
def test_nothing_but_a_file_is_used(
    tmp_path: Path, put: Callable[[Path, Path], None], name: str, exists: bool
) -> None:
    """Through a link, the key would get where others may read it, or overwrite another file."""
    folder, target = open_data_folder(tmp_path / "data"), tmp_path / "target"
    if exists:
        target.write_text("precious, and long enough")
    put(folder / name, target)

    with (
        pytest.raises(StartupError, match=r"cannot be used"),
        load(folder).publish_address("http", "127.0.0.1", 8000),
    ):
        pass
    assert not exists or target.read_text() == "precious, and long enough"
    assert target.exists() == exists
    assert find(folder) is None


def test_a_command_finds_the_key_of_a_service_that_runs(served: LocalAdmin) -> None:
    assert find(served.file.parent) == KEY
    assert find(served.file.parent) == KEY, "the first look ended the lock"


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1:8001", "https://127.0.0.1:8000", "http://127.0.0.1"),
        *("http://localhost:8000", "http://evil.example:8000", "http://[::1]:8000"),
    ],
)
def test_the_key_is_not_for_other_addresses(served: LocalAdmin, url: str) -> None:
    assert find(served.file.parent, url) is None


@pytest.mark.parametrize(
    ("scheme", "host", "port", "url"),
    [
        ("https", "127.0.0.1", 443, "https://127.0.0.1"),
        ("http", "::", 80, "http://[::1]/"),
        ("http", "10.0.0.7", 8000, "http://10.0.0.7:8000/pgvend"),
        ("https", "pgvend.example", 8443, "https://pgvend.example:8443"),
    ],
)
def test_the_key_is_for_the_address_that_the_service_listens_on(
    admin: LocalAdmin, scheme: str, host: str, port: int, url: str
) -> None:
    with admin.publish_address(scheme, host, port):
        assert find(admin.file.parent, url) == KEY


def test_commands_look_in_the_folder_of_the_settings(env: Environment, served: LocalAdmin) -> None:
    """The tests' current folder is the data folder; the default is below it."""
    url = urlsplit("http://127.0.0.1:8000")
    assert find_local_key(url) is None
    env.set(PGVEND_DATA_DIR=str(served.file.parent))
    assert find_local_key(url) == KEY


def test_the_key_is_not_for_another_program_after_the_service_ended(admin: LocalAdmin) -> None:
    with admin.publish_address("http", "127.0.0.1", 8000):
        pass
    assert find(admin.file.parent) is None
    with admin.publish_address("http", "127.0.0.1", 80):
        assert find(admin.file.parent) is None
        assert find(admin.file.parent, "http://127.0.0.1") == KEY


def test_a_command_at_the_same_time_is_not_taken_for_the_service(admin: LocalAdmin) -> None:
    with admin.publish_address("http", "127.0.0.1", 8000):
        pass
    with open(admin.file.parent / ADDRESS_FILE) as looked_at:
        fcntl.flock(looked_at, fcntl.LOCK_SH)
        assert find(admin.file.parent) is None


def test_a_second_service_in_the_folder_leaves_the_address_of_the_first(served: LocalAdmin) -> None:
    with served.publish_address("http", "0.0.0.0", 8001):
        assert find(served.file.parent) == KEY
        assert find(served.file.parent, "http://127.0.0.1:8001") is None
    assert find(served.file.parent) == KEY


def test_a_key_of_another_user_is_not_sent() -> None:
    assert is_trusted(owner=1000, user=1000)
    assert is_trusted(owner=1000, user=0), "root in a container, whose service is not root"
    assert not is_trusted(owner=1000, user=1001)
    assert not is_trusted(owner=0, user=1001)


@pytest.mark.parametrize("address", ["", "{", "[]", "{}", '{"scheme": 1, "host": 2, "port": 3}'])
def test_a_damaged_address_leads_to_no_key(served: LocalAdmin, address: str) -> None:
    (served.file.parent / ADDRESS_FILE).write_text(address)
    assert find(served.file.parent) is None


def test_a_folder_without_a_service_leads_to_no_key(tmp_path: Path, admin: LocalAdmin) -> None:
    assert find(tmp_path) is None
    assert find(tmp_path / "missing") is None


def test_an_error_of_the_service_is_not_one_of_the_folder(admin: LocalAdmin) -> None:
    with pytest.raises(OSError, match=r"^no route$"), admin.publish_address("http", "::1", 1):
        raise OSError("no route")


def test_the_found_key_is_not_one_that_the_user_chose(
    served: LocalAdmin, env: Environment, tmp_path: Path
) -> None:
    """Client commands use it; an agent must not get it without the user's choice."""
    env.set(PGVEND_DATA_DIR=str(tmp_path), PGVEND_URL="http://127.0.0.1:8000")
    settings = load_client_settings()
    assert (settings.key, settings.chosen_key) == (KEY, None)

    env.set(PGVEND_KEY=KEY.reveal())
    assert load_client_settings().chosen_key == KEY
