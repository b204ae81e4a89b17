"""Three ways to the same thing on one server: a new tenant that has logged in to its database."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlencode

import aiohttp
import asyncpg
import structlog

from adapters.decorators.logging import CallLogger, LoggingProvider
from adapters.decorators.retrying import Retrying, RetryingLoginCheck, RetryingProvider
from adapters.driver.connector import create_pool
from adapters.embedded.server import EmbeddedOptions, open_embedded_provider
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.scram import create_scram_verifier
from adapters.postgres.server import Server
from adapters.postgres.sessions import POOL_SIZE
from adapters.system.clock import SystemClock
from adapters.system.randomness import SystemRandomness
from domain.ids import RANDOM_BYTES, new_id
from domain.lifecycle import State
from domain.names import Nickname
from domain.passwords import PasswordDeriver
from domain.provisioning import ProvisionRequest, Tenant
from domain.retry import RetryPolicy
from domain.secrets import Secret

Undo = Callable[[], Awaitable[object]]
Vend = Callable[[], Awaitable[Undo]]
"""Makes a tenant and returns how to drop it again."""

HTTP = "HTTP"
SECRET = token_hex(32)
_GLANCE = 0.02


@asynccontextmanager
async def opened_subjects(folder: Path) -> AsyncIterator[Mapping[str, Vend]]:
    """By name, the baseline first; the bundled PostgreSQL as the service has it, in `folder`."""
    clock, log = SystemClock(), structlog.get_logger()
    async with AsyncExitStack() as opened:
        bundle = open_embedded_provider(
            EmbeddedOptions(folder=folder / "embedded"), "bench", clock, log
        )
        provider = await opened.enter_async_context(bundle)
        server = provider.server
        pool = create_pool(server.admin, min_size=0, max_size=POOL_SIZE)
        await opened.enter_async_context(pool)
        url = await opened.enter_async_context(served(_settings(server), folder))
        client = await opened.enter_async_context(aiohttp.ClientSession(url))
        yield {
            "bare SQL": BareSQL(pool, server),
            "provider": Provider(provider),
            HTTP: partial(vend_by_http, client),
        }


class BareSQL:
    """As somebody would write it who has no pgvend: the fewest statements that do the work."""

    def __init__(self, pool: asyncpg.Pool, server: Server) -> None:
        self._pool = pool
        self._server = server

    async def __call__(self) -> Undo:
        name, password = f"bench_{token_hex(8)}", token_hex(12)
        verifier = await create_scram_verifier(Secret(password))
        async with self._pool.acquire() as admin:
            await admin.execute(
                f"CREATE ROLE {name} LOGIN CONNECTION LIMIT 20 PASSWORD '{verifier}';"
                f"GRANT {name} TO CURRENT_USER"
            )
            await admin.execute(
                f"CREATE DATABASE {name} OWNER {name} "
                "TEMPLATE template0 STRATEGY FILE_COPY ALLOW_CONNECTIONS false"
            )
            await admin.execute(
                f"REVOKE ALL ON DATABASE {name} FROM PUBLIC;"
                f"GRANT CONNECT, TEMPORARY, CREATE ON DATABASE {name} TO {name};"
                f"ALTER DATABASE {name} ALLOW_CONNECTIONS true;"
                f"REVOKE {name} FROM CURRENT_USER"
            )
        await self._log_in(name, password)
        return partial(self._drop, name)

    async def _log_in(self, name: str, password: str) -> None:
        tenant = await asyncpg.connect(
            host=self._server.public_host,
            port=self._server.public_port,
            user=name,
            password=password,
            database=name,
            ssl=False,
        )
        await tenant.execute("SELECT 1")
        await tenant.close()

    async def _drop(self, name: str) -> None:
        async with self._pool.acquire() as admin:
            await admin.execute(f"GRANT {name} TO CURRENT_USER")
            await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
            await admin.execute(f"DROP ROLE {name}")


class Provider:
    """The adapter in the decorators that the service puts around it, without the service."""

    def __init__(self, bare: PostgresProvider) -> None:
        clock, randomness = SystemClock(), SystemRandomness()
        retrying = Retrying(RetryPolicy(), clock, randomness)
        observed = LoggingProvider(bare, CallLogger(clock, structlog.get_logger()))
        self._provider = RetryingProvider(observed, retrying)
        self._login_check = RetryingLoginCheck(PostgresLoginCheck(), retrying)
        self._clock = clock
        self._randomness = randomness
        self._passwords = PasswordDeriver(Secret(SECRET))

    async def __call__(self) -> Undo:
        provision_request = self._order()
        connection = await self._provider.provision(provision_request)
        await self._login_check.verify(connection)
        return partial(self._provider.delete, provision_request.tenant)

    def _order(self) -> ProvisionRequest:
        tenant_id = new_id(self._clock.now(), self._randomness.entropy(RANDOM_BYTES))
        tenant = Tenant(id=tenant_id, names=Nickname(f"Bench {token_hex(8)}").derive_names())
        return ProvisionRequest(tenant=tenant, password=self._passwords(tenant_id, 0))


async def vend_by_http(client: aiohttp.ClientSession) -> Undo:
    """What a caller waits for, its own processor time and the way there and back included."""
    body = {"nickname": f"Bench {token_hex(8)}"}
    async with client.post("/v1/databases", json=body, raise_for_status=True) as answer:
        vended = await answer.json()
    return partial(_delete_by_http, client, f"/v1/databases/{vended['id']}")


async def _delete_by_http(client: aiohttp.ClientSession, path: str) -> None:
    call = client.delete
    while True:  # it is promised at once and done in the background
        async with call(path, raise_for_status=True) as answer:
            if (await answer.json())["state"] == State.DELETED:
                return
        call = client.get
        await asyncio.sleep(_GLANCE)


@asynccontextmanager
async def served(settings: Mapping[str, str], folder: Path) -> AsyncIterator[str]:
    """The address of `pgvend serve` with these settings, in a process of its own.

    It works in `folder`, where there is no `.env`, and knows nothing of our environment.
    """
    errors = folder / "serve.log"
    with errors.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("pgvend"),
            "serve",
            cwd=folder,
            env={"PATH": os.defpath, "PORT": "0", "PGVEND_SECRET": SECRET, **settings},
            stdout=PIPE,
            stderr=log,
        )
    try:
        yield await _address(process, errors)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.communicate()


def _settings(server: Server) -> dict[str, str]:
    admin = server.admin
    socket = urlencode({"host": admin["host"], "port": admin["port"], "sslmode": server.sslmode})
    return {
        "PGVEND_PROVIDER": "postgres",
        "PGVEND_POSTGRES_ADMIN_DSN": f"postgresql://{admin['user']}@/{admin['database']}?{socket}",
        "PGVEND_PUBLIC_HOST": server.public_host,
        "PGVEND_PUBLIC_PORT": str(server.public_port),
    }


async def _address(process: Process, errors: Path) -> str:
    told = await process.stdout.readline() if process.stdout else b""
    if not told:
        reason = await asyncio.to_thread(errors.read_text)
        raise RuntimeError(f"pgvend serve did not start:\n{reason}")
    return told.decode().split()[-1]
