"""Three methods to create a tenant that can log in to its database, on one server."""

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
Create = Callable[[], Awaitable[Undo]]
"""Creates a tenant and returns a function that drops it."""

HTTP = "HTTP"
SECRET = token_hex(32)
_POLL_INTERVAL = 0.02


@asynccontextmanager
async def open_methods(folder: Path) -> AsyncIterator[Mapping[str, Create]]:
    """Yield the methods by name, the baseline first, over the bundled PostgreSQL in `folder`."""
    clock, log = SystemClock(), structlog.get_logger()
    async with AsyncExitStack() as stack:
        bundle = open_embedded_provider(
            EmbeddedOptions(folder=folder / "embedded"), "bench", clock, log
        )
        provider = await stack.enter_async_context(bundle)
        server = provider.server
        pool = create_pool(server.admin, min_size=0, max_size=POOL_SIZE)
        await stack.enter_async_context(pool)
        url = await stack.enter_async_context(serve(_settings(server), folder))
        client = await stack.enter_async_context(aiohttp.ClientSession(url))
        yield {
            "bare SQL": BareSQL(pool, server),
            "provider": Provider(provider),
            HTTP: partial(create_by_http, client),
        }


class BareSQL:
    """The fewest statements that create a tenant, as written without pgvend."""

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
    """The adapter with the decorators of the service, without the service."""

    def __init__(self, bare: PostgresProvider) -> None:
        clock, randomness = SystemClock(), SystemRandomness()
        retrying = Retrying(RetryPolicy(), clock, randomness)
        logging_provider = LoggingProvider(bare, CallLogger(clock, structlog.get_logger()))
        self._provider = RetryingProvider(logging_provider, retrying)
        self._login_check = RetryingLoginCheck(PostgresLoginCheck(), retrying)
        self._clock = clock
        self._randomness = randomness
        self._passwords = PasswordDeriver(Secret(SECRET))

    async def __call__(self) -> Undo:
        provision_request = self._create_request()
        connection = await self._provider.provision(provision_request)
        await self._login_check.verify(connection)
        return partial(self._provider.delete, provision_request.tenant)

    def _create_request(self) -> ProvisionRequest:
        tenant_id = new_id(self._clock.now(), self._randomness.entropy(RANDOM_BYTES))
        tenant = Tenant(id=tenant_id, names=Nickname(f"Bench {token_hex(8)}").derive_names())
        return ProvisionRequest(tenant=tenant, password=self._passwords(tenant_id, 0))


async def create_by_http(client: aiohttp.ClientSession) -> Undo:
    """Create a database over HTTP; a caller waits for this, transfer included."""
    body = {"nickname": f"Bench {token_hex(8)}"}
    async with client.post("/v1/databases", json=body, raise_for_status=True) as answer:
        created = await answer.json()
    return partial(_delete_by_http, client, f"/v1/databases/{created['id']}")


async def _delete_by_http(client: aiohttp.ClientSession, path: str) -> None:
    call = client.delete
    while True:  # the service accepts it at once and deletes in the background
        async with call(path, raise_for_status=True) as answer:
            if (await answer.json())["state"] == State.DELETED:
                return
        call = client.get
        await asyncio.sleep(_POLL_INTERVAL)


@asynccontextmanager
async def serve(settings: Mapping[str, str], folder: Path) -> AsyncIterator[str]:
    """Run `pgvend serve` with these settings in another process, and yield its address.

    It runs in `folder`, which has no `.env`, with an environment of its own.
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
        yield await _read_address(process, errors)
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


async def _read_address(process: Process, errors: Path) -> str:
    line = await process.stdout.readline() if process.stdout else b""
    if not line:
        reason = await asyncio.to_thread(errors.read_text)
        raise RuntimeError(f"pgvend serve did not start:\n{reason}")
    return line.decode().split()[-1]
