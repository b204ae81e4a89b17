"""Templates and forks of a real service over the bundled server."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from domain.ids import created_at_from_id
from tests.support.polling import wait_until
from tests.support.pooled_apps import wait_until_service_is_filled
from tests.support.postgres_under_test import session
from tests.support.provision_requests import unique_name
from tests.support.servers import ram_folder
from tests.support.service import RunningService, running_service
from tests.support.service_client import (
    PATH,
    delete_database,
    login_from_answer,
    query_owner,
    request_json,
    send_request,
)

TEMPLATES = "/v1/templates"

CONTENTS = """
    CREATE SCHEMA shop;
    CREATE TABLE shop.fruits (id serial PRIMARY KEY, name text NOT NULL);
    COMMENT ON TABLE shop.fruits IS 'sold here';
    INSERT INTO shop.fruits (name) VALUES ('apple'), ('pear');
"""


@pytest.fixture
async def shop(service: RunningService) -> AsyncIterator[Any]:
    """A database with contents, which is deleted at the end."""
    shop = await create_copy(service)
    async with session(login_from_answer(shop)) as tenant:
        await tenant.execute(CONTENTS)
    yield shop
    await delete_database(service, shop)


async def create_copy(service: RunningService, **origin: Any) -> Any:
    return await request_json(service, "POST", PATH, {"nickname": unique_name(), **origin})


async def assert_owned_copy(copy: Any) -> None:
    """Check that the owner of the copy sees the contents, and can change and drop all of them."""
    assert await query_owner(copy) == copy["owner"]
    async with session(login_from_answer(copy)) as tenant:
        names = "SELECT string_agg(name, ' ' ORDER BY id) FROM shop.fruits"
        assert await tenant.fetchval(names) == "apple pear"
        comment = await tenant.fetchval("SELECT obj_description('shop.fruits'::regclass)")
        assert comment == "sold here"
        insert = "INSERT INTO shop.fruits (name) VALUES ('plum') RETURNING id"
        assert await tenant.fetchval(insert) == 3
        await tenant.execute("ALTER TABLE shop.fruits ADD COLUMN price numeric")
        await tenant.execute("DROP SCHEMA shop CASCADE")


async def assert_unchanged(shop: Any) -> None:
    """Check that the owner of the source still owns its contents."""
    assert await query_owner(shop) == shop["owner"]
    async with session(login_from_answer(shop)) as tenant:
        assert await tenant.fetchval("SELECT count(*) FROM shop.fruits") == 2
        await tenant.execute("ALTER TABLE shop.fruits ADD COLUMN price numeric")


async def test_a_template_is_closed_and_its_copies_belong_to_their_owners(
    service: RunningService, shop: Any
) -> None:
    body = {"name": unique_name().replace(" ", "-"), "from": shop["id"]}
    template = await request_json(service, "POST", TEMPLATES, body)
    copies = [await create_copy(service, template=body["name"]) for _ in range(2)]

    for copy in copies:
        await assert_owned_copy(copy)
    await assert_unchanged(shop)
    with pytest.raises(asyncpg.PostgresError):
        async with session(login_from_answer(shop) | {"database": template["id"]}):
            pass
    replaced = await request_json(service, "POST", TEMPLATES, body)
    listed = (await request_json(service, "GET", TEMPLATES))["templates"]
    assert [each["id"] for each in listed if each["name"] == body["name"]] == [replaced["id"]]
    for copy in copies:
        await delete_database(service, copy)
    await delete_template(service, replaced)


async def test_a_fork_ends_sessions_in_its_source_on_request_only(
    service: RunningService, shop: Any
) -> None:
    origin = {"from": shop["database"]}
    async with session(login_from_answer(shop)) as tenant:
        status, problem = await send_request(
            service, "POST", PATH, {"nickname": unique_name(), **origin}
        )
        assert (status, problem["code"]) == (409, "source_in_use"), problem
        assert await tenant.fetchval("SELECT 1") == 1

        copy = await create_copy(service, **origin, end_sessions=True)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await tenant.fetchval("SELECT 1")

    await assert_owned_copy(copy)
    await assert_unchanged(shop)
    await delete_database(service, copy)


async def delete_template(service: RunningService, template: Any) -> None:
    path = f"{TEMPLATES}/{template['id']}"
    await request_json(service, "DELETE", path)

    async def is_deleted() -> bool:
        return bool((await request_json(service, "GET", path))["state"] == "deleted")

    await wait_until(is_deleted)


async def test_a_spare_of_a_template_is_claimed_with_the_contents() -> None:
    with ram_folder() as folder:
        settings = {"PGVEND_SPARES": "default=0,shop=1"}
        async with running_service(folder / "data", **settings) as service:
            shop = await create_copy(service)
            async with session(login_from_answer(shop)) as tenant:
                await tenant.execute(CONTENTS)
            body = {"name": "shop", "from": shop["id"]}
            template = await request_json(service, "POST", TEMPLATES, body)
            await wait_until_service_is_filled(service)
            filled_at = datetime.now(UTC)
            copy = await create_copy(service, template="shop")

            assert copy["source"] == template["id"]
            assert created_at_from_id(copy["id"]) < filled_at
            await assert_owned_copy(copy)
