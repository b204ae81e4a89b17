"""Extensions: those that the server allows a tenant, and clear errors for all others."""

from collections.abc import Sequence

import pytest

from domain.errors import ExtensionUnavailable, ProviderRejected
from domain.provisioning import Order
from tests.support.databases import held, vended
from tests.support.postgres_under_test import Place, tenant
from tests.support.provision_requests import new_order
from tests.support.requirements import lacking

ODD = ['"; DROP DATABASE postgres; --', "../vector", "", " ", "a--b", "-x", "\n", "x" * 300, "ö"]
UNSENDABLE = ["\0", "vector\0", "\ud800"]


async def test_the_bundled_server_has_vector(bundled_place: Place) -> None:
    order = _with(new_order(), "vector")
    async with vended(bundled_place.provider, order) as connection, tenant(connection) as session:
        distance = await session.fetchval("SELECT '[1,2]'::vector <-> '[1,3]'::vector")
        assert distance == 1
        await session.execute("CREATE TABLE kept (embedding vector(3))")


async def test_a_trusted_extension_is_installed_by_the_tenant(place_15: Place) -> None:
    names = await _available(place_15, ["citext", "hstore", "pgcrypto"])
    order = _with(new_order(), *names)
    async with vended(place_15.provider, order) as connection, tenant(connection) as session:
        owned = await session.fetch(
            "SELECT extname FROM pg_extension WHERE extowner = current_user::regrole"
        )
        assert {row["extname"] for row in owned} >= set(names)


async def test_installing_again_changes_nothing(place: Place) -> None:
    name = "vector" if "vector" in place.provider.server.installable else "plpgsql"
    order = _with(new_order(), name, name)
    async with vended(place.provider, order) as connection, tenant(connection) as session:
        query = "SELECT oid, extname, extversion FROM pg_extension ORDER BY 1"
        before = await session.fetch(query)
        assert await place.provider.provision(order) == connection
        assert await session.fetch(query) == before


async def test_an_extension_can_be_added_to_a_database_that_is_in_use(place_15: Place) -> None:
    [name] = await _available(place_15, ["hstore"])
    order = new_order()
    async with vended(place_15.provider, order) as connection, tenant(connection) as session:
        await session.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        await place_15.provider.provision(_with(order, name))
        assert await session.fetchval("SELECT 'a=>1'::hstore -> 'a'") == "1"
        assert await session.fetchval("SELECT answer FROM kept") == 42


@pytest.mark.parametrize("name", ["no_such_extension", *ODD, *UNSENDABLE], ids=ascii)
async def test_an_unavailable_extension_is_refused_with_the_available_ones(
    place: Place, name: str
) -> None:
    order = _with(new_order(), name)
    with pytest.raises(ExtensionUnavailable, match=r"the server offers .*plpgsql"):
        await place.provider.provision(order)
    assert await held(place.provider, order) == []


@pytest.mark.parametrize("name", ["no_such_extension", *ODD, *UNSENDABLE], ids=ascii)
async def test_an_unavailable_extension_is_refused_in_an_existing_database(
    place: Place, name: str
) -> None:
    order = new_order()
    async with vended(place.provider, order) as connection, tenant(connection) as session:
        with pytest.raises(ExtensionUnavailable, match=r"the server offers .*plpgsql"):
            await place.provider.install(_with(order, name))
        with pytest.raises(ExtensionUnavailable, match=r"the server offers .*plpgsql"):
            await place.provider.provision(_with(order, name))
        assert await session.fetchval("SELECT 1") == 1


async def test_installed_extensions_stay_when_the_server_no_longer_offers_them(
    place_15: Place,
) -> None:
    """The check for availability applies to new databases only."""
    [name] = await _available(place_15, ["hstore"])
    order = _with(new_order(), name)
    async with vended(place_15.provider, order) as connection:
        assert await place_15.provider.provision(order) == connection


async def test_a_conflicting_object_is_distinguished_from_an_unavailable_extension(
    place_15: Place,
) -> None:
    [name] = await _available(place_15, ["citext"])
    order = new_order()
    async with vended(place_15.provider, order) as connection, tenant(connection) as session:
        await session.execute("CREATE TYPE citext AS ENUM ()")
        with pytest.raises(ExtensionUnavailable, match=r"SQLSTATE 42710\): something .* way"):
            await place_15.provider.install(_with(order, name))


async def test_installing_keeps_a_password_that_the_tenant_changed(
    place_15: Place,
) -> None:
    order = new_order()
    async with vended(place_15.provider, order) as connection, tenant(connection) as session:
        await session.execute(f"ALTER ROLE {connection.user} PASSWORD 'of my own'")
        with pytest.raises(ProviderRejected, match="password"):
            await place_15.provider.install(_with(order, "plpgsql"))
        async with tenant(connection, password="of my own") as again:
            assert await again.fetchval("SELECT 1") == 1


async def test_an_untrusted_extension_is_refused(place_15: Place) -> None:
    [name] = await _available(place_15, ["dblink"])
    order = _with(new_order(), name)
    with pytest.raises(ExtensionUnavailable) as unavailable:
        await place_15.provider.provision(order)
    offered = str(unavailable.value).rpartition("the server offers ")[2]
    assert "dblink" not in offered
    assert "hstore" in offered
    assert await held(place_15.provider, order) == []


def _with(order: Order, *extensions: str) -> Order:
    return Order(tenant=order.tenant, password=order.password, extensions=extensions)


async def _available(place: Place, names: Sequence[str]) -> Sequence[str]:
    found = await place.sql("SELECT name FROM pg_available_extensions WHERE name = ANY($1)", names)
    if missing := sorted(set(names) - set(found)):
        lacking(f"the extensions {', '.join(missing)}: apt-get install postgresql-contrib")
    return names
