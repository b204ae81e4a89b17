"""The documented change of the secret in the data folder."""

import stat
from pathlib import Path

from tests.support.command_line import run_program
from tests.support.documents import list_blocks
from tests.support.postgres_under_test import session
from tests.support.servers import OperatorsServer
from tests.support.service import REPOSITORY
from tests.support.service_client import (
    create_database,
    query_owner,
    reveal_connection,
    rotate_password,
    running_service_over,
)

PAGE = REPOSITORY / "docs" / "operations" / "change-secrets.md"


async def test_after_the_change_and_a_rotation_the_former_secret_is_not_needed(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    folder = tmp_path / ".pgvend"
    async with running_service_over(server_15, folder) as service:
        database = await create_database(service)

    former = await _replace_secret(tmp_path)

    async with running_service_over(
        server_15, folder, PGVEND_SECRET_PREVIOUS_FILE=str(former)
    ) as service:
        assert await reveal_connection(service, database) == database["connection"]
        assert "secret.previous" in service.output()
        rotated = await rotate_password(service, database)
    async with running_service_over(server_15, folder) as service:
        assert "secret.missing" not in service.output()
        assert await reveal_connection(service, rotated) == rotated["connection"]
        assert await query_owner(rotated) == rotated["owner"]
    await _drop(server_15, database["database"], database["owner"])


async def _replace_secret(folder: Path) -> Path:
    """Run the first block of the page, and return the file with the former secret."""
    commands = list_blocks(PAGE)[0].text
    result = await run_program("sh", "-ec", f"cd {folder}\n{commands}")
    assert result.status == 0, result.stderr
    for file in (folder / "secret.previous", folder / ".pgvend" / "secret"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return folder / "secret.previous"


async def _drop(server: OperatorsServer, database: str, owner: str) -> None:
    async with session({"dsn": server.superuser_dsn}) as superuser:
        await superuser.execute(f"DROP DATABASE {database}")
        await superuser.execute(f"DROP ROLE {owner}")
