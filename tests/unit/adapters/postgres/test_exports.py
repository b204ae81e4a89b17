"""The folder of exports, and what pg_dump gets to log in."""

import asyncio
import os
import ssl
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from adapters.driver.connector import Login
from adapters.driver.tls import Tls
from adapters.postgres.exports.access import build_role_name
from adapters.postgres.exports.folder import open_folder
from adapters.postgres.exports.pg_dump import check_login, create_environment
from adapters.postgres.server import Server, find_address
from domain.errors import ExportFailed, StartupError
from domain.postgres_url import Address
from tests.support.embedded_servers import Events
from tests.support.exports import FILE, MAX_AGE, create_folder, create_pg_dump, list_files
from tests.support.polling import wait_until

LOGIN: Login = {
    "host": ["a.example", "b.example"],
    "port": [5432, 5433],
    "user": "pgvend_export_db_1",
    "password": "secret",
    "database": "host=evil.example dbname=x",
    "target_session_attrs": "read-write",
}

PUBLIC = (Address("public.example", 6432),)


def describe_server(**more: object) -> Server:
    login = {"host": "db.example", "port": 5432, "user": "admin", "tls": Tls(mode="require")}
    return Server(**{"admin": login, "public": PUBLIC, **more})  # type: ignore[arg-type]


def test_a_published_part_is_a_private_file_under_its_own_name(tmp_path: Path) -> None:
    folder = create_folder(tmp_path / "new" / "exports")
    part = folder.open_part(FILE)
    os.write(part.descriptor, b"dump")
    assert stat.S_IMODE(part.path.stat().st_mode) == 0o600
    assert list_files(folder.path) == [part.path.name]
    assert part.path.name.startswith(f".{FILE}.")

    assert folder.publish(part, FILE) == 4

    folder.close_part(part)
    assert list_files(folder.path) == [FILE]
    assert (folder.path / FILE).read_bytes() == b"dump"
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_a_part_that_is_not_published_is_removed(tmp_path: Path) -> None:
    folder = create_folder(tmp_path)

    folder.close_part(folder.open_part(FILE))

    assert list_files(tmp_path) == []


def test_parts_that_were_left_over_are_removed_and_nothing_else(tmp_path: Path) -> None:
    names = [".other.dump.x.part", ".old.dump.x.part", f".{FILE}.x.part", "old.dump", ".note"]
    for name in names:
        (tmp_path / name).write_text("")
        if "old" in name:
            os.utime(tmp_path / name, (1, 1))
    others = tmp_path / ".film.part"  # of another program
    others.write_text("")
    os.utime(others, (1, 1))
    (tmp_path / ".link.part").symlink_to("/etc/passwd")
    (tmp_path / ".folder.part").mkdir()
    folder = create_folder(tmp_path)

    folder.close_part(folder.open_part(FILE))

    kept = [".film.part", ".folder.part", ".link.part", ".note", ".other.dump.x.part", "old.dump"]
    assert list_files(tmp_path) == kept


def test_an_export_replaces_a_link_and_not_its_target(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("kept")
    folder = create_folder(tmp_path / "exports")
    (folder.path / FILE).symlink_to(target)
    part = folder.open_part(FILE)

    folder.publish(part, FILE)

    folder.close_part(part)
    assert target.read_text() == "kept"
    assert not (folder.path / FILE).is_symlink()


def test_a_file_can_be_removed_twice(tmp_path: Path) -> None:
    folder = create_folder(tmp_path)
    (tmp_path / FILE).write_text("")

    for _ in range(2):
        folder.remove(FILE)

    assert list_files(tmp_path) == []


def test_a_folder_that_disappeared_fails_an_export(tmp_path: Path) -> None:
    folder = create_folder(tmp_path / "exports")
    folder.path.rmdir()

    with pytest.raises(ExportFailed, match="No such file"):
        folder.open_part(FILE)


def make_file(path: Path) -> None:
    path.write_text("")


def make_public(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


@pytest.mark.parametrize(
    ("make", "message"),
    [(make_file, "PGVEND_EXPORT_DIR to a folder"), (make_public, "chmod o-w")],
)
def test_a_folder_that_cannot_be_used_prevents_the_start(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    make(tmp_path / "exports")

    with pytest.raises(StartupError, match=message):
        open_folder(tmp_path / "exports", MAX_AGE)


def test_pg_dump_gets_its_login_by_variables_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOSTADDR", "10.0.0.1")
    monkeypatch.setenv("PGSERVICE", "other")

    environment = create_environment(LOGIN, tmp_path)

    assert environment["PGHOST"] == "a.example,b.example"
    assert environment["PGPORT"] == "5432,5433"
    assert environment["PGDATABASE"] == LOGIN["database"]
    assert environment["PGPASSWORD"] == "secret"
    assert environment["PGTARGETSESSIONATTRS"] == "read-write"
    assert environment["PGSSLMODE"] == "prefer"
    assert environment["HOME"] == str(tmp_path)
    assert environment["PGAPPNAME"] == "pgvend"
    assert {"PGHOSTADDR", "PGSERVICE"}.isdisjoint(environment)


def test_pg_dump_verifies_the_server_as_the_admin_does(tmp_path: Path) -> None:
    files = {"sslcert": "/etc/cert.pem", "sslkey": "/etc/key.pem"}
    own = Tls(mode="verify-ca", root="-----BEGIN", parameters=files)
    environment = create_environment({**LOGIN, "tls": own}, tmp_path)

    assert environment["PGSSLMODE"] == "verify-ca"
    assert Path(environment["PGSSLROOTCERT"]).read_text() == "-----BEGIN"
    assert (environment["PGSSLCERT"], environment["PGSSLKEY"]) == tuple(files.values())

    public = create_environment({**LOGIN, "tls": Tls(mode="verify-full")}, tmp_path)
    assert (public["PGSSLMODE"], public["PGSSLROOTCERT"]) == ("verify-full", "system")
    trusted = ssl.get_default_verify_paths()
    places = public.get("SSL_CERT_FILE"), public.get("SSL_CERT_DIR")
    assert places == (trusted.cafile, trusted.capath)


def test_an_encrypted_key_prevents_the_start() -> None:
    tls = Tls(mode="require", parameters={"sslkey": "/etc/key.pem", "sslpassword": "secret"})
    check_login({**LOGIN, "tls": None})

    with pytest.raises(StartupError, match=r"^(?!.*secret).*decrypt the sslkey"):
        check_login({**LOGIN, "tls": tls})


def test_a_dump_goes_to_the_address_of_the_admin() -> None:
    address = find_address(describe_server())

    assert (address["host"], address["port"]) == ("db.example", 5432)
    assert address["tls"].mode == "require"


def test_a_dump_goes_to_the_public_address_if_the_admin_uses_a_socket() -> None:
    address = find_address(describe_server(admin={"host": ["/run/postgresql"], "port": 5432}))

    assert (address["host"], address["port"]) == (["public.example"], [6432])


def test_a_dump_of_the_bundled_server_goes_past_its_socket() -> None:
    bypass = {"host": "127.0.0.1", "port": 7777}
    admin = {"host": "/data", "port": 1}
    address = find_address(describe_server(admin=admin, pooler_bypass=bypass))

    assert (address["host"], address["port"]) == ("127.0.0.1", 7777)


def test_names_of_temporary_roles_are_identifiers() -> None:
    assert build_role_name("db_1") == "pgvend_export_db_1"
    assert len(build_role_name("x" * 100)) == 63


def write_program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


async def test_pg_dump_acts_as_the_owner_and_gets_no_secret_in_its_arguments(
    tmp_path: Path,
) -> None:
    program = write_program(tmp_path / "pg_dump", 'echo "$@"')
    folder = create_folder(tmp_path / "exports")
    part = folder.open_part(FILE)

    await create_pg_dump(program=program).run(LOGIN, "user_shop", part)

    arguments = part.path.read_text().split()
    folder.close_part(part)
    assert {"--role=user_shop", "--format=custom", "--no-password"} <= set(arguments)
    assert "secret" not in str(arguments)


async def test_a_cancelled_export_ends_the_program(tmp_path: Path) -> None:
    program = write_program(tmp_path / "pg_dump", f"echo $$ > {tmp_path}/pid; exec sleep 60")
    folder = create_folder(tmp_path / "exports")
    part = folder.open_part(FILE)
    running = asyncio.ensure_future(create_pg_dump(program=program).run(LOGIN, "user", part))
    await wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    folder.close_part(part)
    assert running.cancelled()
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
async def test_the_system_ends_pg_dump_first_if_there_is_no_memory_left(tmp_path: Path) -> None:
    """A tenant with very many objects makes pg_dump large."""
    program = write_program(tmp_path / "pg_dump", "cat /proc/self/oom_score_adj")
    folder = create_folder(tmp_path / "exports")
    part = folder.open_part(FILE)

    await create_pg_dump(program=program).run(LOGIN, "user_shop", part)

    text = part.path.read_text()
    folder.close_part(part)
    assert text == "1000\n"


async def test_a_program_that_does_not_exist_fails_an_export(tmp_path: Path) -> None:
    folder = create_folder(tmp_path)
    part = folder.open_part(FILE)
    events = Events()

    with pytest.raises(ExportFailed, match="the log has its messages"):
        await create_pg_dump(program=tmp_path / "nothing", events=events).run(LOGIN, "user", part)

    folder.close_part(part)
    [failed] = events.fields("export.pg_dump")
    assert "secret" not in str(failed)
