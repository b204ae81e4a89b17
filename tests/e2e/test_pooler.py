"""A service whose connections lead to PgBouncer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.certificates import NAMES, make_certificate
from tests.support.pgbouncer import find_new_pgbouncer
from tests.support.polling import wait_until
from tests.support.pooler import Pooler, running_pooler
from tests.support.postgres_under_test import session
from tests.support.private_ca import PrivateCaServer, running_private_ca_server
from tests.support.service import RunningService, running_service
from tests.support.service_client import create_database, request_json


async def test_connections_name_the_pooler_and_work_through_it_with_tls(tmp_path: Path) -> None:
    async with running_private_ca_server(NAMES) as private, _pooler(private, tmp_path) as pooler:
        settings = {
            "PGVEND_PROVIDER": "postgres",
            "PGVEND_POSTGRES_ADMIN_DSN": private.dsn("sslmode=verify-full&sslrootcert={ca}"),
            "PGVEND_PUBLIC_HOST": "localhost",
            "PGVEND_PUBLIC_PORT": str(pooler.port),
            "PGVEND_NAMES": "opaque",
            "PGVEND_SPARES": "default=1",
        }
        async with running_service(tmp_path / "data", **settings) as service:
            await wait_until(lambda: _has_spare(service))
            created = await create_database(service)
            assert f"@localhost:{pooler.port}/db_" in created["connection"]["uri"]
            assert await _query_user(created["connection"], tmp_path / "ca.pem") == created["owner"]


@asynccontextmanager
async def _pooler(private: PrivateCaServer, folder: Path) -> AsyncIterator[Pooler]:
    """Run a pooler that has a certificate of the same authority, and verifies the server."""
    command = await asyncio.to_thread(find_new_pgbouncer)
    own = await make_certificate(folder, name="pooler", signer=private.authority)
    files = {
        "client_tls_cert_file": own.cert,
        "client_tls_key_file": own.key,
        "server_tls_ca_file": private.authority.cert,
    }
    async with running_pooler(private.server, command, files) as running:
        yield running


async def _has_spare(service: RunningService) -> bool:
    """Return whether a spare is ready, whose login was checked at the pooler."""
    health = await request_json(service, "GET", "/readyz")
    return bool(health["spares"]["ready"])


async def _query_user(connection: dict[str, Any], ca_file: Path) -> str:
    await asyncio.to_thread(ca_file.write_text, connection["sslrootcert"])
    async with session({"dsn": f"{connection['uri']}&sslrootcert={ca_file}"}) as client:
        return str(await client.fetchval("SELECT current_user"))
