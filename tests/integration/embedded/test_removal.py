"""Removal of what a service leaves: its server's processes, and root's user and programs."""

import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.embedded.account import HOME
from adapters.embedded.removal import ServerProcesses, SharedAccount
from ports.driven.installed_part import InstalledItem


@pytest.fixture
def user() -> Iterator[str]:
    """A system user as pgvend creates it."""
    if os.geteuid() != 0:
        pytest.skip("only root creates users")
    name = f"pgvend-{secrets.token_hex(4)}"
    _create_user(name, HOME)
    yield name
    subprocess.run(["userdel", name], capture_output=True, check=False)


@pytest.fixture
def account(user: str, tmp_path: Path) -> SharedAccount:
    copies = tmp_path / "cache"
    (copies / "programs").mkdir(parents=True)
    for place in (copies, copies / "programs"):
        (place / "link").symlink_to("/etc")
    return SharedAccount(folder=tmp_path / "data" / "embedded", user=user, copies=copies)


def _create_user(name: str, home: str) -> None:
    options = ("--system", "--user-group", "--no-create-home", "--home-dir", home)
    subprocess.run(["useradd", *options, name], check=True)


def _exists(user: str) -> bool:
    return user in {entry.pw_name for entry in pwd.getpwall()}


def _list_kept(account: SharedAccount) -> list[str]:
    return [item.kept for item in account.list_items()]


def test_the_user_and_the_programs_are_removed(account: SharedAccount) -> None:
    assert [item.place for item in account.list_items()] == [
        str(account.copies),
        f"user {account.user}",
    ]
    assert _list_kept(account) == ["", ""]
    account.remove()
    assert (account.copies.exists(), _exists(account.user)) == (False, False)
    assert account.list_items() == []
    account.remove()  # as after a crash


def test_both_stay_while_another_data_folder_uses_them(account: SharedAccount) -> None:
    server = subprocess.Popen(["sleep", "600"], user=account.user)
    try:
        assert all(f"process {server.pid}" in reason for reason in _list_kept(account))
        account.remove()
        assert (account.copies.exists(), _exists(account.user)) == (True, True)
    finally:
        server.kill()
        server.wait()


def test_both_can_be_kept(account: SharedAccount) -> None:
    kept = SharedAccount(
        folder=account.folder, user=account.user, copies=account.copies, is_kept=True
    )
    kept.remove()
    assert _list_kept(kept) == ["--keep-shared"] * 2
    assert (account.copies.exists(), _exists(account.user)) == (True, True)


def test_a_user_that_an_operator_created_stays(account: SharedAccount) -> None:
    subprocess.run(["userdel", account.user], check=True)
    _create_user(account.user, "/srv/pgvend")
    assert _list_kept(account) == ["", "pgvend did not create it"]
    account.remove()
    assert (account.copies.exists(), _exists(account.user)) == (False, True)


def test_a_link_in_the_place_of_the_programs_stays(account: SharedAccount, tmp_path: Path) -> None:
    account.copies.rename(tmp_path / "elsewhere")
    account.copies.symlink_to(tmp_path / "elsewhere")
    account.remove()
    assert (tmp_path / "elsewhere" / "programs").exists()
    assert account.copies.is_symlink()


def test_programs_of_another_user_stay(account: SharedAccount) -> None:
    shutil.chown(account.copies, account.user)
    account.remove()
    assert (account.copies / "programs").exists()


def test_a_server_that_outlived_its_service_is_ended(tmp_path: Path) -> None:
    """Its programs change into their folder; here it is another program of that name."""
    folder = tmp_path / "embedded"
    (folder / "data").mkdir(parents=True)
    program = folder / "postgres"
    program.write_bytes(Path("/bin/sleep").read_bytes())
    program.chmod(0o755)
    server = subprocess.Popen([program, "600"], cwd=folder / "data")
    try:
        processes = ServerProcesses(folder=folder)
        item = InstalledItem(f"process {server.pid}", "the program postgres")
        assert processes.list_items() == [item]
        processes.remove()
        assert processes.list_items() == []
    finally:
        server.kill()
        server.wait()
