"""psql, pg_dump and pg_restore, started by the command line."""

import gzip
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import PGVEND, CommandResult, run_pgvend, run_program
from tests.support.fake_service import CONNECTION, fake_service
from tests.support.postgres_under_test import session
from tests.support.service import RunningService
from tests.support.service_client import create_database, login_from_answer

FILL = """
CREATE TABLE fruits (name text);
INSERT INTO fruits VALUES ('Äpfel'), (E'GRANT\nx;');
GRANT SELECT ON fruits TO PUBLIC;
"""

OWNED = """--
-- PostgreSQL database dump
--
CREATE TABLE fruits (name text);
ALTER TABLE fruits OWNER TO nobody_here;
COPY fruits (name) FROM stdin;
Äpfel
GRANT\\nx;
\\.
GRANT SELECT ON fruits TO nobody_here;
-- PostgreSQL database dump complete
"""

Run = Callable[..., Awaitable[CommandResult]]


@pytest.fixture
def run(service: RunningService) -> Run:
    async def run(*arguments: str, stdin: str = "", **environment: str) -> CommandResult:
        variables = {"PGVEND_URL": service.url, **environment}
        return await run_program(*PGVEND, *arguments, stdin=stdin, **variables)

    return run


@pytest.fixture
async def target(service: RunningService) -> Any:
    return await create_database(service)


async def fetch_fruits(database: Any) -> set[str]:
    async with session(login_from_answer(database)) as owner:
        return {row["name"] for row in await owner.fetch("SELECT name FROM fruits")}


async def has_fruits(database: Any) -> bool:
    async with session(login_from_answer(database)) as owner:
        return await owner.fetchval("SELECT to_regclass('fruits')") is not None


@pytest.fixture
async def source(service: RunningService) -> Any:
    database = await create_database(service)
    async with session(login_from_answer(database)) as owner:
        await owner.execute(FILL)
    return database


@pytest.mark.parametrize("form", ["plain", "custom", "tar"])
async def test_a_dump_is_loaded_into_another_database(
    run: Run, source: Any, target: Any, form: str, tmp_path: Path
) -> None:
    file = tmp_path / "dump"
    dumped = await run("dump", source["id"], "--format", form, "--file", str(file))
    loaded = await run("load", target["id"], str(file))

    assert (dumped.status, dumped.stderr, loaded.status, loaded.stderr) == (0, "", 0, "")
    assert await fetch_fruits(target) == {"Äpfel", "GRANT\nx;"}
    assert file.stat().st_mode & 0o077 == 0


async def test_standard_output_is_loaded_from_standard_input(
    run: Run, source: Any, target: Any
) -> None:
    dumped = await run("dump", source["id"], "--", "--inserts")
    loaded = await run("load", target["id"], "-", stdin=dumped.stdout)
    assert (loaded.status, loaded.stderr) == (0, "")
    assert await fetch_fruits(target) == {"Äpfel", "GRANT\nx;"}


async def test_owners_and_privileges_of_a_script_are_left_out(run: Run, target: Any) -> None:
    loaded = await run("load", target["id"], "-", stdin=OWNED)
    assert (loaded.status, loaded.stderr) == (0, "")
    assert await fetch_fruits(target) == {"Äpfel", "GRANT\nx;"}


async def test_an_error_in_a_script_loads_nothing(run: Run, target: Any) -> None:
    failed = await run("load", target["id"], "-", stdin=f"{OWNED}SELECT 1/0;\n")
    assert failed.status == 1
    assert "psql:<stdin>:12: ERROR:" in failed.stderr
    assert "nothing was loaded" in failed.stderr
    assert not await has_fruits(target)


async def test_a_truncated_script_of_pg_dump_loads_nothing(run: Run, target: Any) -> None:
    truncated = OWNED[: OWNED.index("GRANT SELECT")]
    failed = await run("load", target["id"], "-", stdin=truncated)
    assert failed.status == 2
    assert "The dump is not complete" in failed.stderr
    assert not await has_fruits(target)


async def test_an_error_after_a_large_object_loads_nothing(
    run: Run, source: Any, target: Any
) -> None:
    async with session(login_from_answer(source)) as owner:
        await owner.execute("SELECT lo_from_bytea(0, 'hello')")
    dumped = await run("dump", source["id"])

    failed = await run("load", target["id"], "-", stdin=f"{dumped.stdout}SELECT 1/0;\n")

    assert failed.status == 1
    assert "already a transaction" not in failed.stderr
    assert not await has_fruits(target)


async def test_a_truncated_archive_loads_nothing(
    run: Run, source: Any, target: Any, tmp_path: Path
) -> None:
    file = tmp_path / "dump"
    async with session(login_from_answer(source)) as owner:
        await owner.execute("INSERT INTO fruits SELECT md5(n::text) FROM generate_series(1, 1e5) n")
    await run("dump", source["id"], "--format", "custom", "--file", str(file))
    os.truncate(file, file.stat().st_size * 9 // 10)

    failed = await run("load", target["id"], str(file))

    assert failed.status == 1
    assert "pg_restore failed" in failed.stderr
    assert not await has_fruits(target)


async def test_a_failed_dump_leaves_the_former_file(run: Run, target: Any, tmp_path: Path) -> None:
    file = tmp_path / "dump"
    file.write_text("former")
    failed = await run("dump", target["id"], "--file", str(file), "--", "--table=nothing")
    assert (failed.status, file.read_text()) == (1, "former")
    assert os.listdir(tmp_path) == [file.name]


async def test_a_device_is_written_and_not_replaced(run: Run, source: Any, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/dev/null")
    dumped = await run("dump", source["id"], "--file", str(link))
    assert (dumped.status, dumped.stderr) == (0, "")
    assert link.is_symlink()


@pytest.mark.parametrize("major", [None, 9])
async def test_the_bundled_programs_are_used_where_the_machine_has_none_or_older_ones(
    run: Run, source: Any, target: Any, tmp_path: Path, major: int | None
) -> None:
    if major:
        write_programs(tmp_path, f'echo "(PostgreSQL) {major}.1"')
    path = str(tmp_path)
    dumped = await run("dump", source["id"], PATH=path)
    loaded = await run("load", target["id"], "-", stdin=dumped.stdout, PATH=path)
    count = ("--", "-Atc", "SELECT count(*) FROM fruits")
    counted = await run("psql", target["id"], *count, PATH=path)
    assert (loaded.status, counted.stderr, counted.stdout) == (0, "", "2\n")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of programs that are newer than all others, and print how they were started."""
    folder = tmp_path / "programs"
    folder.mkdir()
    script = f"""[ "$1" = --version ] && echo "(PostgreSQL) 99.0" && exit
printf '%s\\n' "$0 $*" >> {tmp_path}/started
env > {tmp_path}/environment
cat >/dev/null"""
    write_programs(folder, script)
    return tmp_path


def write_programs(folder: Path, script: str) -> None:
    for name in ("psql", "pg_dump", "pg_restore"):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)


COMMANDS = ("psql db_1 -- --list", "dump db_1", "load db_1 -")


@pytest.mark.parametrize("command", COMMANDS)
async def test_newer_programs_of_the_machine_get_the_password_by_their_environment(
    programs: Path, command: str
) -> None:
    path = f"{programs / 'programs'}:{os.environ['PATH']}"
    async with fake_service(CONNECTION) as service:
        result = await run_pgvend(
            *command.split(), PGVEND_URL=service.url, PATH=path, PGHOSTADDR="203.0.113.1"
        )

    assert (result.status, result.stderr) == (0, "")
    assert CONNECTION["password"] not in (programs / "started").read_text()
    environment = (programs / "environment").read_text()
    assert f"PGPASSWORD={CONNECTION['password']}\n" in environment
    assert "PGHOSTADDR" not in environment


REFUSED = {
    "nothing": (b"", "cannot be read"),
    "compressed": (gzip.compress(b"SELECT 1;"), "gunzip"),
    "other": (b"\x7fELF\0", "neither SQL nor a dump"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_other_files_are_refused_before_any_request(case: str, tmp_path: Path) -> None:
    content, message = REFUSED[case]
    file = tmp_path / "dump"
    if content:
        file.write_bytes(content)
    async with fake_service() as service:
        result = await service.run_pgvend("load", "db_1", str(file))
    assert (result.status, service.requests) == (2, [])
    assert message in result.stderr
