"""Spares of a real service over the bundled server."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from domain.ids import created_at_from_id
from domain.names import PgNames
from tests.support.pooled_apps import create_claimed_database, wait_until_service_is_filled
from tests.support.postgres_under_test import session
from tests.support.servers import ram_folder
from tests.support.service import running_service
from tests.support.service_client import (
    create_database,
    delete_database,
    login_from_answer,
    query_owner,
    request_json,
    reveal_connection,
    rotate_password,
)

IDS_OF_SPARES = "SELECT datname FROM pg_database WHERE datname ~ '^db_[0-9a-z]{26}$'"


async def test_a_claimed_database_works_and_spares_are_closed() -> None:
    """The bundled server has four spares by default."""
    with ram_folder() as folder:
        async with running_service(folder / "data", PGVEND_SPARES="") as service:
            [level] = await wait_until_service_is_filled(service)
            database = await create_claimed_database(service)
            await _check_login(database)
            async with session(login_from_answer(database)) as tenant:
                spare = await tenant.fetchval(IDS_OF_SPARES)
            with pytest.raises(asyncpg.PostgresError):
                async with session(login_from_answer(database) | {"database": spare}):
                    pass
            rotated = await rotate_password(service, database)
            assert await reveal_connection(service, database) == rotated["connection"]
            await delete_database(service, database)

    assert level == {"template": "default", "wanted": 4, "ready": 4, "filling": 0}


async def test_spares_survive_a_kill_and_new_settings_replace_them() -> None:
    with ram_folder() as folder:
        data = folder / "data"
        async with running_service(data, PGVEND_SPARES="default=2") as service:
            await wait_until_service_is_filled(service)
            await service.kill()
        killed_at = datetime.now(UTC)
        claimed = await _create_after_restart(data)
        other = await _create_after_restart(
            data, PGVEND_CONNECTION_LIMIT="7", PGVEND_NAMES="opaque"
        )

    assert created_at_from_id(claimed["id"]) < killed_at
    assert created_at_from_id(other["id"]) > killed_at
    assert (claimed["limit"], other["limit"]) == (20, 7)
    assert PgNames(other["database"], other["owner"]) == PgNames.from_id(other["id"])


async def test_a_spare_of_a_template_has_its_contents_and_belongs_to_its_new_owner() -> None:
    with ram_folder() as folder:
        async with running_service(folder / "data", PGVEND_SPARES="shop=1") as service:
            seed = await create_database(service)
            async with session(login_from_answer(seed)) as tenant:
                await tenant.execute("CREATE TABLE fruits AS SELECT 'pear' AS name")
            template = {"name": "shop", "from": seed["id"]}
            await request_json(service, "POST", "/v1/templates", template)
            await wait_until_service_is_filled(service)
            copy = await create_claimed_database(service, template="shop")
            await _check_login(copy)
            async with session(login_from_answer(copy)) as tenant:
                assert await tenant.fetchval("SELECT name FROM fruits") == "pear"
                await tenant.execute("DROP TABLE fruits")
            await delete_database(service, copy)
            await _check_login(seed)


async def _create_after_restart(data: Path, **settings: str) -> Any:
    """Return a claimed database of the next start, with the limit of its role."""
    async with running_service(data, PGVEND_SPARES="default=2", **settings) as service:
        await wait_until_service_is_filled(service)
        database = await create_claimed_database(service)
        await _check_login(database)
        async with session(login_from_answer(database)) as tenant:
            sql = "SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user"
            return database | {"limit": await tenant.fetchval(sql)}


async def _check_login(database: Any) -> None:
    assert await query_owner(database) == database["owner"]
