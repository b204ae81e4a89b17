"""Attacks that block all tenants: PostgreSQL queues for some locks before it checks privileges."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace

import asyncpg

from adapters.postgres.errors import FAILURES
from domain.errors import PgvendError
from tests.security.attack import Attack, Attempt, try_statement
from tests.security.outcome import NONE, PROJECT, ROLE, Outcome
from tests.security.stage import Stage
from tests.support.polling import wait_until
from tests.support.provision_requests import new_provision_request

MAX_WAIT = 30.0
"""Seconds after which the others count as blocked."""

MAX_WAIT_ON_NEON = 2.0
"""The same where no guard runs."""

_POSSIBLE_ON_NEON = dict.fromkeys((ROLE, NONE), Outcome.POSSIBLE)
_UNTRIED_ON_NEON = dict.fromkeys((ROLE, NONE, PROJECT), Outcome.UNTRIED)

_CATALOGS = ("authid", "auth_members", "database", "db_role_setting", "shdescription", "tablespace")

_READ = "; ".join(f"SELECT count(*) FROM pg_{name}" for name in _CATALOGS[1:])
_HOLD = f"BEGIN; SELECT count(*) FROM pg_roles; {_READ}; PREPARE of_b AS DELETE FROM pg_authid"
"""Takes locks that every role may take: weak ones on shared catalogs, one of them for a change."""

_RULE = "CREATE RULE of_b AS ON INSERT TO pg_catalog.pg_{} DO NOTHING"
_TOUCH = "BEGIN; ALTER ROLE {{b}} IN DATABASE {} SET application_name = 'of b'"

Check = Callable[[Stage], Awaitable[None]]


async def _log_in_as_a(stage: Stage) -> None:
    async with stage.as_a():
        pass


async def _create_and_delete_tenant(stage: Stage) -> None:
    await _log_in_as_a(stage)
    if not stage.kind.is_neon:
        async with stage.temporary_tenant():
            pass


async def _log_in_as_pgvend(stage: Stage) -> None:
    await stage.provider.ping()
    await _create_and_delete_tenant(stage)


def _queue_behind(
    *statements: str, hold: str = _HOLD, check: Check = _create_and_delete_tenant
) -> Attempt:
    """Hold weak locks in one session of B, and queue behind it with each statement in another."""

    async def attempt(stage: Stage) -> Outcome:
        async with stage.as_b() as holding, stage.as_b() as observer:
            await holding.execute(stage.fill_names(hold))
            for statement in statements:
                async with _waiting_statement(stage, observer, stage.fill_names(statement)):
                    if not await _passes(stage, check):
                        return Outcome.POSSIBLE
        return Outcome.STOPPED

    return attempt


@asynccontextmanager
async def _waiting_statement(
    stage: Stage, observer: asyncpg.Connection, statement: str
) -> AsyncIterator[None]:
    """Start B's statement, and wait until it waits for a lock or has ended."""
    async with _third_session(stage) as session:
        pid = session.get_server_pid()
        task = asyncio.create_task(try_statement(session, statement))

        async def is_settled() -> bool:
            waits = "SELECT count(*) FROM pg_locks WHERE pid = $1 AND NOT granted"
            try:
                return task.done() or bool(await observer.fetchval(waits, pid, timeout=1))
            except TimeoutError:
                return True  # the observer is blocked too

        try:
            await wait_until(is_settled)
            yield
        finally:
            session.terminate()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def _third_session(stage: Stage) -> AsyncIterator[asyncpg.Connection]:
    """Open a session as soon as the connection limit allows it."""
    async with AsyncExitStack() as sessions:
        opened: list[asyncpg.Connection] = []

        async def is_open() -> bool:
            with suppress(asyncpg.TooManyConnectionsError):
                opened.append(await sessions.enter_async_context(stage.as_b()))
            return bool(opened)

        await wait_until(is_open)
        yield opened[0]


async def _passes(stage: Stage, check: Check) -> bool:
    try:
        async with asyncio.timeout(MAX_WAIT_ON_NEON if stage.kind.is_neon else MAX_WAIT):
            await check(stage)
    except (PgvendError, *FAILURES):
        return False
    return True


async def _queue_after_role_change(stage: Stage) -> Outcome:
    """Change the role first, which invalidates the caches that the server uses to decide whose
    sessions may be ended."""
    async with stage.as_b() as session:
        await session.execute(
            f"ALTER ROLE CURRENT_USER PASSWORD '{stage.b.password.reveal()}';"
            "ALTER ROLE CURRENT_USER SET application_name = 'of b'"
        )
    try:
        return await _queue_behind(_RULE.format("authid"))(stage)
    finally:
        async with stage.as_b() as session:
            await session.execute("ALTER ROLE CURRENT_USER RESET application_name")


async def _queue_as_new_tenant(stage: Stage) -> Outcome:
    async with stage.temporary_tenant() as new_tenant:
        new_stage = replace(stage, b=new_tenant.connection, b_request=new_tenant.provision_request)
        return await _queue_behind(_RULE.format("authid"), check=_log_in_as_a)(new_stage)


def _block_deletion(end: str) -> Attempt:
    """Lock the object of a database that is then deleted."""

    async def attempt(stage: Stage) -> Outcome:
        provision_request = new_provision_request()
        connection = await stage.provider.provision(provision_request)
        try:
            async with stage.as_b() as holding:
                touch = _TOUCH.format(f'"{connection.database}"')
                await holding.execute(stage.fill_names(touch))
                await holding.execute(end)
                async with asyncio.timeout(MAX_WAIT):
                    await stage.provider.delete(provision_request.tenant)
        except TimeoutError:
            return Outcome.POSSIBLE
        finally:
            await stage.provider.delete(provision_request.tenant)
        return Outcome.STOPPED

    return attempt


_STRONG = {
    "`CREATE RULE`": tuple(_RULE.format(name) for name in _CATALOGS),
    "`CREATE TRIGGER` or a foreign key": (
        "CREATE TRIGGER of_b BEFORE INSERT ON pg_catalog.pg_authid "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "CREATE TABLE of_b (id oid REFERENCES pg_catalog.pg_authid)",
    ),
    "a partition or a child": (
        "CREATE TABLE of_b (id oid) PARTITION BY LIST (id); "
        "ALTER TABLE of_b ATTACH PARTITION pg_catalog.pg_authid DEFAULT",
        "CREATE TABLE of_b () INHERITS (pg_catalog.pg_authid)",
    ),
    "`DROP RULE`, `COMMENT` or statistics": (
        "DROP RULE of_b ON pg_catalog.pg_authid",
        "COMMENT ON TABLE pg_catalog.pg_authid IS 'of b'",
        "CREATE STATISTICS of_b ON oid, rolname FROM pg_catalog.pg_authid",
    ),
    "`LOCK`, `TRUNCATE` or `ALTER TABLE`": (
        "LOCK TABLE pg_authid IN ACCESS EXCLUSIVE MODE",
        "CREATE TEMPORARY VIEW of_b AS SELECT * FROM pg_authid; LOCK TABLE of_b",
        "TRUNCATE pg_catalog.pg_authid",
        "ALTER TABLE pg_catalog.pg_database ADD of_b int",
    ),
    "`REINDEX`, `CLUSTER` or `VACUUM FULL`": (
        "REINDEX TABLE pg_catalog.pg_authid",
        "REINDEX INDEX pg_catalog.pg_authid_oid_index",
        "CLUSTER pg_catalog.pg_database USING pg_database_oid_index",
        "VACUUM FULL pg_catalog.pg_authid",
    ),
    "`GRANT`, `REASSIGN` or `DROP ROLE`": (
        "GRANT {a} TO {b}",
        "REASSIGN OWNED BY {a} TO {b}",
        "DROP OWNED BY {a}",
        "DROP ROLE {a}",
    ),
}

_ON_DATABASE = (
    "DROP DATABASE {}",
    "ALTER DATABASE {} RENAME TO of_b",
    "ALTER DATABASE {} SET TABLESPACE pg_default",
    "ALTER DATABASE {} OWNER TO {{b}}",
    "COMMENT ON DATABASE {} IS 'of b'",
)


def _queue_on_database(database: str, check: Check) -> Attempt:
    statements = (each.format(database) for each in _ON_DATABASE)
    return _queue_behind(*statements, hold=_TOUCH.format(database), check=check)


ATTACKS = (
    *(
        Attack(
            f"block all logins and changes by {what} on a shared catalog",
            _queue_behind(*statements),
            _UNTRIED_ON_NEON,
        )
        for what, statements in _STRONG.items()
    ),
    Attack(
        "block them right after it changed its own role",
        _queue_after_role_change,
        _POSSIBLE_ON_NEON,
    ),
    Attack("block them as a tenant that was just created", _queue_as_new_tenant, _UNTRIED_ON_NEON),
    Attack(
        "block A with a lock queue on A's database",
        _queue_on_database("{a_database}", _log_in_as_a),
        _UNTRIED_ON_NEON,
    ),
    Attack(
        "block pgvend with a lock queue on its database",
        _queue_on_database("{admin_database}", _log_in_as_pgvend),
        _UNTRIED_ON_NEON,
    ),
    Attack(
        "block deletions with an open transaction",
        _block_deletion("SELECT 1"),
        _UNTRIED_ON_NEON,
    ),
    Attack(
        "block deletions with a prepared transaction",
        _block_deletion("PREPARE TRANSACTION 'of b'"),
        _UNTRIED_ON_NEON,
    ),
)
