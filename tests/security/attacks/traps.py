"""Traps for pgvend's own sessions, and changes that pgvend does not know of."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta

from adapters.memory.registry import MemoryRegistry
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.system.leases import InProcessLeases
from domain.connection import Connection
from domain.errors import ExtensionUnavailable
from domain.lifecycle import State
from domain.reconciliation import SETTLING_TIME, ReconcileAction
from domain.targets import Isolation
from ports.driven.registry import Registry
from ports.use_cases.detect_drift import DetectDrift
from tests.security.attack import Attack, Attempt, create_attacks, in_own_database
from tests.security.outcome import EMBEDDED, NONE, POSTGRES, PROJECT, ROLE, Outcome
from tests.security.stage import Stage, TemporaryTenant, translate_refusals
from tests.support.clock import FakeClock
from tests.support.databases import find_in_inventory, provisioned_database
from tests.support.drift import NOW
from tests.support.postgres_under_test import session, tenant_session
from tests.support.provision_requests import deriver
from tests.support.records import TARGET, new_record

# functions that a visitor might call without their schema
_SHADOWED_FUNCTIONS = (
    ("version", "", "text"),
    ("current_database", "", "name"),
    ("pg_terminate_backend", "int", "boolean"),
    ("pg_has_role", "name, text", "boolean"),
    ("pg_get_userbyid", "oid", "name"),
    ("shobj_description", "oid, name", "text"),
)

_TRAP = """
CREATE TABLE public.caught (who text);
GRANT INSERT, SELECT ON public.caught TO PUBLIC;
CREATE FUNCTION public.record_visitor() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.caught VALUES (session_user);
    RETURN 'true';
END $$;
CREATE VIEW public.pg_stat_activity AS
    SELECT 0 AS pid, public.record_visitor()::name AS usename, current_database() AS datname;
CREATE VIEW public.pg_available_extension_versions AS SELECT public.record_visitor()::name AS name
"""

_SHADOW_FUNCTION = """
CREATE FUNCTION public.{name}({arguments}) RETURNS {type} LANGUAGE sql
    AS 'SELECT public.record_visitor()::{type}'
"""

_BAIT = """
CREATE TABLE public.bait (id int);
CREATE POLICY lure ON public.bait TO {guest};
GRANT ALL ON SCHEMA public TO {guest};
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO {guest}
"""

_LOCK_BAIT = "BEGIN; LOCK TABLE public.bait"
"""A lock that makes pgvend search for its holder and end that session."""

_SET_SEARCH_PATH = "ALTER {what} SET search_path = public, pg_catalog"


async def _set_traps(trapper: Connection, guest: Connection | None = None) -> None:
    """Create traps in the trapper's database, and a grant that makes pgvend connect when the guest
    is deleted."""
    async with tenant_session(trapper) as inside:
        await inside.execute(_TRAP)
        for name, arguments, kind in _SHADOWED_FUNCTIONS:
            await inside.execute(_SHADOW_FUNCTION.format(name=name, arguments=arguments, type=kind))
        if guest:
            await inside.execute(_BAIT.format(guest=f'"{guest.user}"'))
        await inside.execute(_SET_SEARCH_PATH.format(what=f'DATABASE "{trapper.database}"'))
        await inside.execute(_SET_SEARCH_PATH.format(what=f'ROLE "{trapper.user}"'))


async def _find_visitors(trapper: Connection) -> list[str]:
    """Return the other users that ran the trapper's code."""
    async with tenant_session(trapper) as inside:
        return [
            row["who"]
            for row in await inside.fetch(
                "SELECT who FROM public.caught WHERE who <> $1", trapper.user
            )
        ]


async def _trap_pgvend(stage: Stage) -> Outcome:
    """Run every operation: a neighbour's deletion, a suspension, extensions, a rotation."""
    async with stage.temporary_tenant() as trapper:
        if stage.kind.isolation is Isolation.ROLE:
            await _delete_neighbour(stage, trapper)
        else:  # with the API, pgvend connects to no tenant's database
            await _set_traps(trapper.connection)
        await stage.provider.suspend(trapper.provision_request.tenant)
        with suppress(ExtensionUnavailable):
            await stage.provider.provision(
                replace(trapper.provision_request, extensions=("vector",))
            )
        connection = await stage.provider.rotate(trapper.provision_request)
        return stage.success if await _find_visitors(connection) else Outcome.STOPPED


async def _delete_neighbour(stage: Stage, trapper: TemporaryTenant) -> None:
    """Delete a neighbour that was granted privileges there."""
    async with AsyncExitStack() as holding, stage.temporary_tenant() as guest:
        await _set_traps(trapper.connection, guest.connection)
        inside = await holding.enter_async_context(tenant_session(trapper.connection))
        await inside.execute(_LOCK_BAIT)


async def _trap_superuser(stage: Stage) -> Outcome:
    assert stage.superuser is not None
    async with stage.temporary_tenant() as trapper:
        await _set_traps(trapper.connection)
        async with session(stage.superuser, database=trapper.connection.database) as visitor:
            await visitor.fetchval("SELECT version()")
        caught = await _find_visitors(trapper.connection)
    return Outcome.POSSIBLE if caught else Outcome.STOPPED


def _change_from_elsewhere(statement: str, found: ReconcileAction, renamed: str = "") -> Attempt:
    """Run the statement about B's database from another one that B may connect to; the reconciler
    detects it."""

    async def attempt(stage: Stage) -> Outcome:
        registry = MemoryRegistry()
        async with (
            _recorded_tenant(stage, registry) as other,
            _recorded_tenant(stage, registry) as attacker,
        ):
            own, elsewhere = attacker.connection, other.connection.database
            async with tenant_session(other.connection) as owner:
                await owner.execute(f'GRANT CONNECT ON DATABASE "{elsewhere}" TO "{own.user}"')
            with translate_refusals():
                async with tenant_session(own, database=elsewhere) as inside:
                    await inside.execute(statement.format(database=own.database))
            assert await _reconcile(stage, registry) == [
                (found, attacker.provision_request.tenant.id)
            ]
            record = await registry.get(attacker.provision_request.tenant.id)
            if found is ReconcileAction.RENAME:
                assert record.names.database == renamed.format(database=own.database)
            else:
                assert (record.state, record.is_missing) == (State.DELETED, True)
            await PostgresLoginCheck().verify(other.connection)
        return Outcome.OWN

    return attempt


@asynccontextmanager
async def _recorded_tenant(stage: Stage, registry: Registry) -> AsyncIterator[TemporaryTenant]:
    """A tenant with a record old enough to be reconciled; nothing of it may be left at the end."""
    record = new_record(state=State.READY, created_at=NOW - 2 * SETTLING_TIME)
    await registry.add(record)
    provision_request = record.to_provision_request(deriver)
    async with provisioned_database(stage.provider, provision_request) as connection:
        yield TemporaryTenant(provision_request, connection)
    assert await find_in_inventory(stage.provider, provision_request) == []


async def _reconcile(stage: Stage, registry: Registry) -> list[tuple[ReconcileAction, str]]:
    """Reconcile, and return the actions with the records' ids."""
    clock = FakeClock()
    clock.moment = NOW + timedelta(seconds=1)
    tasks = await DetectDrift(
        registry=registry,
        provider=stage.provider,
        leases=InProcessLeases(),
        clock=clock,
        target=TARGET,
    )()
    for task in tasks:
        if task.run:
            assert await task.run()
    return [(task.action, task.id) for task in tasks]


async def _copy_mark(stage: Stage) -> Outcome:
    """Put A's mark on B's database: pgvend's view of A's objects stays the same."""
    async with stage.as_b() as inside:
        before = await stage.provider.inventory()
        mark = "SELECT shobj_description({a}::regrole, 'pg_authid')"
        text = await inside.fetchval(mark.format(a=f"'\"{stage.a.user}\"'"))
        comment = f'COMMENT ON DATABASE "{stage.b.database}" IS '
        await inside.execute(comment + f"'{text}'")
        after = await stage.provider.inventory()
        await inside.execute(comment + "NULL")
    return Outcome.OWN if before == after else Outcome.POSSIBLE


async def _change_claims(stage: Stage) -> Outcome:
    async with stage.as_b(database=stage.admin_database) as inside, inside.transaction():
        await inside.execute("SELECT 1 FROM pgvend.claims")
    return stage.success


_SHARED_SERVERS = (EMBEDDED, POSTGRES, ROLE, NONE)
_ON_NEON = (ROLE, NONE, PROJECT)

_BY_STATEMENTS = {
    "forge pgvend's mark on its own role": "COMMENT ON ROLE {b} IS 'pgvend:of:a'",
    "remove pgvend's mark from A's role": "COMMENT ON ROLE {a} IS 'of b'",
    "give its database to A": "ALTER DATABASE {b_database} OWNER TO {a}",
}

_RENAME = 'ALTER DATABASE "{{database}}" RENAME TO "{{database}}{}"'

ATTACKS = (
    Attack("make pgvend's sessions run its code", _trap_pgvend),
    Attack(
        "make a superuser's session in its database run its code, by a search path",
        _trap_superuser,
        {POSTGRES: Outcome.POSSIBLE} | dict.fromkeys(_ON_NEON, Outcome.UNTRIED),
    ),
    *create_attacks(in_own_database, _BY_STATEMENTS),
    Attack(
        "put A's mark on its own database, which pgvend ignores",
        _copy_mark,
        dict.fromkeys(_SHARED_SERVERS, Outcome.OWN) | {PROJECT: Outcome.UNTRIED},
    ),
    Attack("change pgvend's own tables", _change_claims, {NONE: Outcome.POSSIBLE}),
    Attack(
        "rename its own database, which the reconciler detects",
        _change_from_elsewhere(_RENAME.format("2"), ReconcileAction.RENAME, "{database}2"),
        {NONE: Outcome.OWN, PROJECT: Outcome.UNTRIED},
    ),
    Attack(
        "write a line into others' files, by a name with line breaks",
        _change_from_elsewhere(
            _RENAME.format("\nLD_PRELOAD=x"), ReconcileAction.RENAME, "{database}"
        ),
        {NONE: Outcome.OWN, PROJECT: Outcome.UNTRIED},
    ),
    Attack(
        "drop its own database, which the reconciler detects",
        _change_from_elsewhere('DROP DATABASE "{database}"', ReconcileAction.MARK_MISSING),
        dict.fromkeys(_SHARED_SERVERS, Outcome.OWN) | {PROJECT: Outcome.UNTRIED},
    ),
)
