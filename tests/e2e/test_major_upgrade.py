"""The documented upgrade of the bundled server's data to another major version."""

import asyncio
import os
from pathlib import Path

from adapters.embedded.account import prepare_account
from adapters.embedded.programs import load_programs
from tests.support.command_line import run_pgvend
from tests.support.documents import list_blocks
from tests.support.postgres_under_test import session
from tests.support.servers import find_former_programs, ram_folder
from tests.support.service import REPOSITORY, running_service
from tests.support.service_client import (
    create_database,
    delete_database,
    request_json,
    reveal_connection,
    rotate_password,
)

PAGE = REPOSITORY / "docs" / "operations" / "upgrade.md"

STARTS = ("as=", "set -e")
"""How the blocks of the upgrade begin."""

FILL = "CREATE TABLE notes AS SELECT 'kept' AS text"

WITHOUT_SPARES = {"PGVEND_SPARES": "default=0"}


async def test_databases_keep_their_ids_and_passwords() -> None:
    old, new = await find_former_programs(16), await _find_bundled_programs()
    with ram_folder() as folder:
        folder.chmod(0o711)
        settings = {**WITHOUT_SPARES, "PGVEND_EMBEDDED_PROGRAMS": str(old)}
        async with running_service(folder / "data", **settings) as service:
            database, deleted = await create_database(service), await create_database(service)
            await _execute(database, FILL)
            await service.stop()

        await _run_upgrade(folder, old, new)

        async with running_service(folder / "data", **WITHOUT_SPARES) as service:
            assert "18." in await _fetch(database, "SELECT version()")
            assert await _fetch(database, "SELECT text FROM notes") == "kept"
            assert await reveal_connection(service, database) == database["connection"]
            results = await request_json(service, "POST", "/v1/reconciliations", {})
            assert results["results"] == []
            rotated = await rotate_password(service, database)
            assert await _fetch(rotated, "SELECT text FROM notes") == "kept"
            await delete_database(service, deleted)
            await _execute(await create_database(service), "CREATE TABLE works ()")


async def test_a_dump_of_the_old_version_is_loaded_into_the_new_one(tmp_path: Path) -> None:
    settings = {**WITHOUT_SPARES, "PGVEND_EMBEDDED_PROGRAMS": str(await find_former_programs(16))}
    with ram_folder() as folder:
        async with (
            running_service(folder / "old", **settings) as old,
            running_service(folder / "new", **WITHOUT_SPARES) as new,
        ):
            await _execute(await create_database(old, "shop"), FILL)
            file = str(tmp_path / "shop.dump")
            dump = ("dump", "shop", "--format", "custom", "--file", file)
            assert (await run_pgvend(*dump, PGVEND_URL=old.url)).status == 0
            database = await create_database(new, "shop")
            assert (await run_pgvend("load", "shop", file, PGVEND_URL=new.url)).status == 0
            assert await _fetch(database, "SELECT text FROM notes") == "kept"


async def _find_bundled_programs() -> Path:
    return (await load_programs(None, await prepare_account())).folder


async def _run_upgrade(folder: Path, old: Path, new: Path) -> None:
    """Run the blocks of the page, the first of them as root alone."""
    given, upgrade = [block.text for block in list_blocks(PAGE) if block.text.startswith(STARTS)]
    script = f"{given if os.geteuid() == 0 else 'as='}\n{upgrade}"
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        script,
        env={
            "PATH": os.environ["PATH"],
            "TMPDIR": str(folder),
            "data": str(folder / "data"),
            "old": str(old),
            "new": str(new),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


async def _execute(database: dict[str, dict[str, str]], sql: str) -> None:
    async with session({"dsn": database["connection"]["uri"]}) as tenant:
        await tenant.execute(sql)


async def _fetch(database: dict[str, dict[str, str]], sql: str) -> str:
    async with session({"dsn": database["connection"]["uri"]}) as tenant:
        return str(await tenant.fetchval(sql))
