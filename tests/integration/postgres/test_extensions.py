"""Extensions: those that the server allows a tenant, and clear errors for all others."""

from collections.abc import Sequence

import pytest

from domain.errors import ExtensionUnavailable, ProviderRejected
from domain.provisioning import ProvisionRequest
from tests.support.databases import find_in_inventory, provisioned_database
from tests.support.postgres_under_test import PostgresUnderTest, tenant_session
from tests.support.provision_requests import new_provision_request
from tests.support.requirements import skip_without

ODD_NAMES = [
    '"; DROP DATABASE postgres; --',
    "../vector",
    "",
    " ",
    "a--b",
    "-x",
    "\n",
    "x" * 300,
    "ö",
]
NAMES_OUTSIDE_SQL = ["\0", "vector\0", "\ud800"]


async def test_the_bundled_server_has_vector(bundled_postgres: PostgresUnderTest) -> None:
    provision_request = _add_extensions(new_provision_request(), "vector")
    async with (
        provisioned_database(bundled_postgres.provider, provision_request) as connection,
        tenant_session(connection) as session,
    ):
        distance = await session.fetchval("SELECT '[1,2]'::vector <-> '[1,3]'::vector")
        assert distance == 1
        await session.execute("CREATE TABLE kept (embedding vector(3))")


async def test_a_trusted_extension_is_installed_by_the_tenant(
    postgres_15: PostgresUnderTest,
) -> None:
    names = await _require_available(postgres_15, ["citext", "hstore", "pgcrypto"])
    provision_request = _add_extensions(new_provision_request(), *names)
    async with (
        provisioned_database(postgres_15.provider, provision_request) as connection,
        tenant_session(connection) as session,
    ):
        owned = await session.fetch(
            "SELECT extname FROM pg_extension WHERE extowner = current_user::regrole"
        )
        assert {row["extname"] for row in owned} >= set(names)


async def test_installing_again_changes_nothing(postgres: PostgresUnderTest) -> None:
    name = "vector" if "vector" in postgres.provider.server.installable else "plpgsql"
    provision_request = _add_extensions(new_provision_request(), name, name)
    async with (
        provisioned_database(postgres.provider, provision_request) as connection,
        tenant_session(connection) as session,
    ):
        query = "SELECT oid, extname, extversion FROM pg_extension ORDER BY 1"
        before = await session.fetch(query)
        assert await postgres.provider.provision(provision_request) == connection
        assert await session.fetch(query) == before


async def test_an_extension_can_be_added_to_a_database_that_is_in_use(
    postgres_15: PostgresUnderTest,
) -> None:
    [name] = await _require_available(postgres_15, ["hstore"])
    provision_request = new_provision_request()
    async with (
        provisioned_database(postgres_15.provider, provision_request) as connection,
        tenant_session(connection) as session,
    ):
        await session.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        await postgres_15.provider.provision(_add_extensions(provision_request, name))
        assert await session.fetchval("SELECT 'a=>1'::hstore -> 'a'") == "1"
        assert await session.fetchval("SELECT answer FROM kept") == 42


@pytest.mark.parametrize("name", ["no_such_extension", *ODD_NAMES, *NAMES_OUTSIDE_SQL], ids=ascii)
async def test_an_unavailable_extension_is_refused_with_the_available_ones(
    postgres: PostgresUnderTest, name: str
) -> None:
    provision_request = _add_extensions(new_provision_request(), name)
    with pytest.raises(ExtensionUnavailable, match=r"the server offers .*plpgsql"):
        await postgres.provider.provision(provision_request)
    assert await find_in_inventory(postgres.provider, provision_request) == []


@pytest.mark.parametrize("name", ["no_such_extension", *ODD_NAMES, *NAMES_OUTSIDE_SQL], ids=ascii)
async def test_an_unavailable_extension_is_refused_in_an_existing_database(
    postgres: PostgresUnderTest, name: str
) -> None:
    provision_request = new_provision_request()
    async with (
        provisioned_database(postgres.provider, provision_request) as connection,
        tenant_session(connection) as session,
    ):
        with pytest.raises(ExtensionUnavailable, match=r"the server offers .*plpgsql"):
            await postgres.provider.install(_add_extensions(provision_request, name))
        with pytest.raises(ExtensionUnavailable, match=r"the server offers .*plpgsql"):
            await postgres.provider.provision(_add_extensions(provision_request, name))
        assert await session.fetchval("SELECT 1") == 1


async def test_installed_extensions_stay_when_the_server_no_longer_offers_them(
    postgres_15: PostgresUnderTest,
) -> None:
    """The check for availability applies to new databases only."""
    [name] = await _require_available(postgres_15, ["hstore"])
    provision_request = _add_extensions(new_provision_request(), name)
    async with provisioned_database(postgres_15.provider, provision_request) as connection:
        assert await postgres_15.provider.provision(provision_request) == connection


async def test_a_conflicting_object_is_distinguished_from_an_unavailable_extension(
    postgres_15: PostgresUnderTest,
) -> None:
    [name] = await _require_available(postgres_15, ["citext"])
    provision_request = new_provision_request()
    async with (
        provisioned_database(postgres_15.provider, provision_request) as connection,
        tenant_session(connection) as session,
    ):
        await session.execute("CREATE TYPE citext AS ENUM ()")
        with pytest.raises(ExtensionUnavailable, match=r"SQLSTATE 42710\): remove objects"):
            await postgres_15.provider.install(_add_extensions(provision_request, name))


async def test_installing_keeps_a_password_that_the_tenant_changed(
    postgres_15: PostgresUnderTest,
) -> None:
    provision_request = new_provision_request()
    async with (
        provisioned_database(postgres_15.provider, provision_request) as connection,
        tenant_session(connection) as session,
    ):
        await session.execute(f"ALTER ROLE {connection.user} PASSWORD 'of my own'")
        with pytest.raises(ProviderRejected, match="password"):
            await postgres_15.provider.install(_add_extensions(provision_request, "plpgsql"))
        async with tenant_session(connection, password="of my own") as again:
            assert await again.fetchval("SELECT 1") == 1


async def test_an_untrusted_extension_is_refused(postgres_15: PostgresUnderTest) -> None:
    [name] = await _require_available(postgres_15, ["dblink"])
    provision_request = _add_extensions(new_provision_request(), name)
    with pytest.raises(ExtensionUnavailable) as unavailable:
        await postgres_15.provider.provision(provision_request)
    offered = str(unavailable.value).rpartition("the server offers ")[2]
    assert "dblink" not in offered
    assert "hstore" in offered
    assert await find_in_inventory(postgres_15.provider, provision_request) == []


def _add_extensions(provision_request: ProvisionRequest, *extensions: str) -> ProvisionRequest:
    return ProvisionRequest(
        tenant=provision_request.tenant, password=provision_request.password, extensions=extensions
    )


async def _require_available(postgres: PostgresUnderTest, names: Sequence[str]) -> Sequence[str]:
    found = await postgres.sql(
        "SELECT name FROM pg_available_extensions WHERE name = ANY($1)", names
    )
    if missing := sorted(set(names) - set(found)):
        skip_without(f"the extensions {', '.join(missing)}: apt-get install postgresql-contrib")
    return names
