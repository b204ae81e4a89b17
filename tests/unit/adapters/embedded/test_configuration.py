"""The server's configuration files."""

import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from adapters.embedded.configuration import ADMIN, SUPERUSER, quote, write_configuration
from adapters.embedded.listen_addresses import LOOPBACK, ListenAddresses

FILES = ["pg_hba.conf", "pg_ident.conf", "pgvend.conf", "postgresql.auto.conf"]

SUPERUSER_AND_ADMIN = f"{SUPERUSER},{ADMIN}"


def write_files(
    folder: Path,
    *,
    os_user: str = "me",
    major: int = 18,
    extra: Mapping[str, str] | None = None,
    listen: Sequence[str] = LOOPBACK,
) -> Path:
    write_configuration(
        folder,
        listen=ListenAddresses(23456, listen),
        major=major,
        os_user=os_user,
        account=None,
        extra=extra or {},
    )
    return folder


def read_settings(folder: Path) -> dict[str, str]:
    include, *lines = (folder / "pgvend.conf").read_text().splitlines()
    assert include == "include 'postgresql.conf'", "initdb's settings are not read first"
    pairs = [re.fullmatch(r"([a-z_]+) = '([^']*)'", line) for line in lines]
    assert all(pairs), "a line is not a setting"
    return {pair[1]: pair[2] for pair in pairs if pair}


def read_rules(folder: Path, kind: str = "") -> list[list[str]]:
    lines = (folder / "pg_hba.conf").read_text().splitlines()
    return [line.split() for line in lines if not line.startswith("#") and line.startswith(kind)]


def test_every_file_is_written_for_the_server_alone(tmp_path: Path) -> None:
    write_files(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_changes_by_hand_or_by_alter_system_are_overwritten(tmp_path: Path) -> None:
    write_files(tmp_path)
    before = {name: (tmp_path / name).read_text() for name in FILES}
    (tmp_path / "pg_hba.conf").write_text("host all all all trust\n")
    (tmp_path / "postgresql.auto.conf").write_text("listen_addresses = '*'\n")
    write_files(tmp_path)
    assert {name: (tmp_path / name).read_text() for name in FILES} == before


def test_statements_stay_out_of_the_log_and_connections_are_reserved(tmp_path: Path) -> None:
    settings = read_settings(write_files(tmp_path))
    assert settings["listen_addresses"] == "127.0.0.1"
    assert settings["unix_socket_directories"] == "."
    assert settings["port"] == "23456"
    assert settings["log_min_error_statement"] == "panic"
    assert int(settings["reserved_connections"]) > 0


@pytest.mark.parametrize(
    ("name", "since"), [("reserved_connections", 16), ("allow_alter_system", 17)]
)
def test_an_older_server_gets_no_unknown_setting(tmp_path: Path, name: str, since: int) -> None:
    assert name not in read_settings(write_files(tmp_path, major=since - 1))
    assert name in read_settings(write_files(tmp_path, major=since))


@pytest.mark.parametrize("value", ["it's", "C:\\new", "''", "a\\'b"])
def test_a_value_is_quoted_as_postgresql_reads_it(value: str) -> None:
    quoted = quote(value)[1:-1]
    assert quoted.replace("''", "'").replace("\\\\", "\\") == value
    assert re.fullmatch(r"(?:[^'\\]|''|\\\\)*", quoted)


def test_a_value_of_two_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="one line"):
        quote("on'\nfsync = 'off")


def test_extra_settings_override_pgvends(tmp_path: Path) -> None:
    settings = read_settings(write_files(tmp_path, extra={"fsync": "off", "max_connections": "30"}))
    assert (settings["fsync"], settings["max_connections"]) == ("off", "30")


def test_no_login_is_trusted_and_superuser_and_admin_use_the_socket_only(tmp_path: Path) -> None:
    rules = read_rules(write_files(tmp_path))
    methods = {rule[-1] if "peer" not in rule else "peer" for rule in rules}

    assert methods == {"peer", "reject", "scram-sha-256"}
    assert [(rule[0], *rule[-2:]) for rule in rules if SUPERUSER_AND_ADMIN in rule] == [
        ("local", "peer", "map=pgvend"),
        ("host", "all", "reject"),
    ]
    assert read_rules(tmp_path, "local")[-1] == ["local", "all", "all", "reject"]


@pytest.mark.parametrize(
    ("listen", "clients"),
    [
        (["127.0.0.1"], "samehost"),
        (["127.0.0.1", "::1", "localhost"], "samehost"),
        (["127.0.0.1", "192.0.2.7"], "all"),
        (["*"], "all"),
        (["::"], "all"),
    ],
)
def test_tenants_need_a_password_and_cannot_use_the_shared_databases(
    tmp_path: Path, listen: Sequence[str], clients: str
) -> None:
    write_files(tmp_path, listen=listen)

    assert read_settings(tmp_path)["listen_addresses"] == ",".join(listen)
    assert read_rules(tmp_path, "host")[1:] == [
        ["host", "postgres,template0,template1", "all", "all", "reject"],
        ["host", "all", "all", clients, "scram-sha-256"],
        ["host", "all", "all", "all", "reject"],
    ]


def test_only_pgvends_own_system_user_becomes_superuser_or_admin(tmp_path: Path) -> None:
    lines = (
        (write_files(tmp_path, os_user="an odd user") / "pg_ident.conf").read_text().splitlines()
    )
    assert lines == [f'pgvend "an odd user" {SUPERUSER}', f'pgvend "an odd user" {ADMIN}']
