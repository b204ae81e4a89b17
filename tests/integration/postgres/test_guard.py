"""What the guard ends: transactions by which one tenant holds up a whole server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from domain.burning import Burning
from domain.connection import Connection
from domain.guarding import Reason
from tests.support.databases import vended
from tests.support.guards import QUICK, Watch, guarded
from tests.support.obstacles import REFUSALS, left_open
from tests.support.orders import new_order
from tests.support.places import Place, session, tenant
from tests.support.polling import until

WAITING = {
    "a rule on pg_authid": "CREATE RULE r AS ON INSERT TO pg_catalog.pg_authid DO NOTHING",
    "a rule on pg_auth_members": (
        "CREATE RULE r AS ON INSERT TO pg_catalog.pg_auth_members DO NOTHING"
    ),
    "a trigger": (
        "CREATE TRIGGER t BEFORE INSERT ON pg_catalog.pg_authid "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    ),
    "a partition": (
        "CREATE TABLE parted (id int) PARTITION BY LIST (id);"
        "ALTER TABLE parted ATTACH PARTITION pg_catalog.pg_authid DEFAULT"
    ),
    "a foreign key": "CREATE TABLE foreign_to (id oid REFERENCES pg_catalog.pg_authid)",
    "a rule on pg_db_role_setting": (
        "CREATE RULE r AS ON INSERT TO pg_catalog.pg_db_role_setting DO NOTHING"
    ),
    "a rule on a settled index's table": (
        "CREATE RULE r AS ON INSERT TO pg_catalog.pg_shdescription DO NOTHING"
    ),
}
"""What PostgreSQL refuses once it has a strong lock on a shared catalog, and not before."""

WEAK = """
SELECT count(*) FROM pg_roles, pg_auth_members, pg_database, pg_db_role_setting, pg_shdescription;
PREPARE p AS DELETE FROM pg_authid
"""

OF_NEIGHBOURS = {
    "dropping it": "DROP DATABASE {database}",
    "moving it": "ALTER DATABASE {database} SET TABLESPACE pg_default",
    "renaming it": "ALTER DATABASE {database} RENAME TO mine",
}
"""What PostgreSQL refuses once it has a strong lock on a database, and not before."""


@asynccontextmanager
async def queued(connection: Connection, statement: str) -> AsyncIterator[None]:
    """The tenant's statement waits, as long as nobody ends its session."""

    async def run() -> None:
        with suppress(*REFUSALS):
            async with tenant(connection) as waiting:
                await waiting.execute(statement)

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def life_goes_on(place: Place, other: Connection) -> None:
    """Another tenant logs in, and a third one comes and goes."""
    async with asyncio.timeout(10):
        async with tenant(other) as opened:
            assert await opened.fetchval("SELECT 42") == 42
        async with vended(place.provider, new_order()):
            pass


async def has_ended(watch: Watch) -> bool:
    return bool(watch.endings)


async def test_whoever_queues_for_a_shared_catalog_is_ended_and_life_goes_on(place: Place) -> None:
    """Also right after the attacker changed its role, which empties the server's caches of it."""
    order = new_order()
    async with (
        vended(place.provider, new_order()) as other,
        guarded(place.provider) as watch,
        vended(place.provider, order) as attacker,
        tenant(attacker) as holding,
    ):
        same_password = f"ALTER ROLE CURRENT_USER PASSWORD '{attacker.password.reveal()}'"
        for statement in WAITING.values():
            watch.outcomes.clear()
            await holding.execute(same_password)
            await holding.execute(f"BEGIN; {WEAK}")
            async with queued(attacker, statement):
                await until(lambda: has_ended(watch))
                await life_goes_on(place, other)
            assert set(watch.endings) == {(order.tenant.id, Reason.WAITS.value)}
            await holding.execute("ROLLBACK; DEALLOCATE p")
        assert await holding.fetchval("SELECT 42") == 42, "a weak lock alone ends nobody"


@pytest.mark.parametrize("whose", ["a neighbour's", "postgres"])
async def test_whoever_queues_for_a_database_that_is_not_its_own_is_ended(
    place: Place, whose: str
) -> None:
    order = new_order()
    async with (
        vended(place.provider, new_order()) as other,
        guarded(place.provider) as watch,
        vended(place.provider, order) as attacker,
    ):
        name = "postgres" if whose == "postgres" else other.database
        weak = f"ALTER ROLE CURRENT_USER IN DATABASE \"{name}\" SET application_name = 'of b'"
        for statement in OF_NEIGHBOURS.values():
            watch.outcomes.clear()
            strong = statement.format(database=f'"{name}"')
            async with left_open(attacker, weak), queued(attacker, strong):
                await until(lambda: has_ended(watch))
                await life_goes_on(place, other)
                async with session(place.superuser, database="postgres"):
                    pass
            assert (order.tenant.id, Reason.WAITS.value) in watch.endings


async def test_whoever_holds_what_the_drop_of_a_neighbour_waits_for_is_ended(place: Place) -> None:
    order = new_order()
    async with guarded(place.provider) as watch, vended(place.provider, order) as attacker:
        neighbour = new_order()
        connection = await place.provider.provision(neighbour)
        weak = f"ALTER ROLE CURRENT_USER IN DATABASE \"{connection.database}\" SET work_mem = '8MB'"
        async with left_open(attacker, weak):
            async with asyncio.timeout(10):
                await place.provider.retire(neighbour.tenant)
        assert watch.endings == [(order.tenant.id, Reason.HOLDS.value)]


async def test_a_prepared_transaction_that_does_so_is_rolled_back(place_15: Place) -> None:
    order = new_order()
    async with guarded(place_15.provider) as watch, vended(place_15.provider, order) as attacker:
        neighbour = new_order()
        connection = await place_15.provider.provision(neighbour)
        weak = f"ALTER ROLE CURRENT_USER IN DATABASE \"{connection.database}\" SET work_mem = '8MB'"
        async with left_open(attacker, weak) as holding:
            await holding.execute("PREPARE TRANSACTION 'kept'")
        async with asyncio.timeout(10):
            await place_15.provider.retire(neighbour.tenant)
        await until(lambda: has_ended(watch))
        assert watch.endings == [(order.tenant.id, Reason.HOLDS.value)]
        assert await place_15.sql("SELECT gid FROM pg_prepared_xacts") == []


async def test_transactions_older_than_the_limit_are_ended_prepared_ones_too(
    place_15: Place,
) -> None:
    order = new_order()
    policy = replace(QUICK, oldest_transaction=0.3)
    async with (
        vended(place_15.provider, order) as owner,
        tenant(owner) as idle,
        guarded(place_15.provider, policy) as watch,
    ):
        await idle.execute("SELECT 42")
        async with left_open(owner, "CREATE TABLE kept ()") as holding:
            await holding.execute("PREPARE TRANSACTION 'kept'")
        async with left_open(owner, "SELECT 42"):
            await until(lambda: has_ended(watch))
            await until(lambda: both_are_ended(watch))
        assert set(watch.endings) == {(order.tenant.id, Reason.OLD.value)}
        assert await idle.fetchval("SELECT 42") == 42
        assert await place_15.sql("SELECT gid FROM pg_prepared_xacts") == []


async def both_are_ended(watch: Watch) -> bool:
    return watch.server.status.ended_sessions == watch.server.status.rolled_back == 1


BURNING = Burning(fast=1000, accused=2)

BURNER = """
DO $$ BEGIN
    FOR i IN 1..100000000 LOOP
        BEGIN INSERT INTO burnt VALUES (1); EXCEPTION WHEN division_by_zero THEN NULL; END;
    END LOOP;
END $$
"""


async def test_whoever_burns_transaction_ids_is_ended_once_they_become_scarce(place: Place) -> None:
    """Here they are scarce from the beginning."""
    order, policy = new_order(), replace(QUICK, burnt=1, burning=BURNING)
    async with vended(place.provider, order) as attacker, tenant(attacker) as burning:
        await burning.execute("CREATE TABLE burnt (id int)")
        task = asyncio.create_task(burning.execute(BURNER))
        async with guarded(place.provider, policy, pace=0.2) as watch:
            await until(lambda: has_ended(watch))
        with pytest.raises(REFUSALS):
            await task
    assert watch.endings == [(order.tenant.id, Reason.BURNS.value)]


async def test_whoever_keeps_transaction_ids_is_ended_once_they_are_scarce(place: Place) -> None:
    order, policy = new_order(), replace(QUICK, scarce=5, kept=5)
    async with vended(place.provider, order) as owner:
        held = left_open(owner, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT 42")
        async with held, tenant(owner) as using:
            await using.execute("CREATE TABLE used (id int)")
            for _ in range(10):
                await using.execute("INSERT INTO used VALUES (1)")
            async with guarded(place.provider, policy) as watch:
                await until(lambda: has_ended(watch))
            assert await using.fetchval("SELECT count(*) FROM used") == 10
    assert watch.endings == [(order.tenant.id, Reason.KEEPS_IDS.value)]
