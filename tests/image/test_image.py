"""The image is built, and containers of it serve databases to clients outside.

All tests of the image are in one file, and so in one process: two at once would build it twice,
and change the network of each other's containers.
"""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from tests.image.pod import pod_rights, pod_volumes
from tests.support.certificates import make_certificate
from tests.support.containers import FEW_RIGHTS, Container, Podman
from tests.support.keyed_clients import ADMIN_KEY, bearer
from tests.support.polling import wait_until
from tests.support.registries import temporary_database
from tests.support.servers import OperatorsServer, find_free_port
from tests.support.service import RunningService
from tests.support.service_client import (
    PATH,
    blocked_create_database,
    create_database,
    query_owner,
    request_json,
)
from tests.unit.deploy.manifests import find

pytestmark = pytest.mark.timeout(1200)  # the first test builds the image

SECRET = token_hex(32)

PATIENCE = 300.0
"""Seconds for a start on a busy machine; no test is about this time."""


def service_at(port: int) -> RunningService:
    """Return a service that is not a process of this test."""
    return RunningService(None, Path(), Path(), f"http://127.0.0.1:{port}")  # type: ignore[arg-type]


async def wait_until_healthy(container: Container) -> None:
    async def is_decided() -> bool:
        return await container.is_healthy() or not await container.is_running()

    await wait_until(is_decided, PATIENCE)
    assert await container.is_running(), await container.read_log()


async def test_the_image_declares_how_it_is_run(podman: Podman, image: str) -> None:
    image_facts = await podman.inspect(image)
    config = image_facts["Config"]

    assert config["User"] == "10001:10001"
    assert config["StopSignal"] == "SIGTERM"
    assert image_facts["Healthcheck"]["Test"] == ["CMD", "pgvend", "health", "--live"]
    assert config["Labels"]["org.opencontainers.image.revision"] != "unknown"
    assert set(config["ExposedPorts"]) == {"8000/tcp", "25432/tcp"}
    extras = "import mcp, opentelemetry.sdk"
    await podman.run("run", "--rm", "--entrypoint=python3", image, "-c", extras)


async def test_with_the_bundled_server_it_serves_databases_to_the_host_and_keeps_them(
    podman: Podman, image: str
) -> None:
    port, server_port = find_free_port(), find_free_port()
    ports = (
        f"--publish=127.0.0.1:{port}:8000",
        f"--publish=127.0.0.1:{server_port}:{server_port}",
        f"--env=PGVEND_EMBEDDED_PORT={server_port}",
    )
    async with podman.container(image, *FEW_RIGHTS, *ports) as container:
        await wait_until_healthy(container)
        await wait_until(lambda: _is_reachable(port))
        service = service_at(port)
        first_key = bearer(await container.execute("cat", "/data/admin-key"))
        whoami = json.loads(await container.execute("pgvend", "whoami", "--json"))
        database = await create_database(service, **first_key)

        assert whoami["caller"] == "admin"
        assert database["connection"]["port"] == server_port
        assert await query_owner(database) == database["owner"]

        assert await container.stop() == 0
        await container.start()
        await wait_until_healthy(container)
        await wait_until(lambda: _is_reachable(port))
        path = f"{PATH}/{database['id']}/connection"
        kept = await request_json(service, "GET", path, **first_key)
        assert kept["uri"] == database["connection"]["uri"]


async def test_with_secrets_from_files_it_works_over_a_server_and_completes_requests_at_its_stop(
    podman: Podman, image: str, server_15: OperatorsServer, tmp_path: Path
) -> None:
    port = find_free_port()
    values = {"ADMIN_KEY": ADMIN_KEY, "SECRET": SECRET, "POSTGRES_ADMIN_DSN": server_15.dsn()}
    options = (
        *FEW_RIGHTS,
        "--network=host",
        f"--env=PORT={port}",
        "--env=PGVEND_PROVIDER=postgres",
        *_mount_secrets(tmp_path / "secrets", values),
    )
    async with podman.container(image, *options) as container:
        await wait_until_healthy(container)
        async with blocked_create_database(server_15):
            creation = asyncio.create_task(create_database(service_at(port), **bearer(ADMIN_KEY)))
            await wait_until(_logs(container, "database.provisioning"))
            stop = asyncio.create_task(container.stop())
            await _wait_until_closed(port)
        database = await creation

        assert await stop == 0
        assert await query_owner(database) == database["owner"]
        log = await container.read_log()
        assert not [value for value in values.values() if value in log]


async def test_the_settings_rights_and_files_of_a_pod_suffice(
    podman: Podman, image: str, server_15: OperatorsServer, tmp_path: Path
) -> None:
    port = find_free_port()
    addresses = {
        "PORT": port,
        "PGVEND_METRICS_LISTEN": f"127.0.0.1:{find_free_port()}",
        "PGVEND_PUBLIC_HOST": "127.0.0.1",
        "PGVEND_PUBLIC_PORT": server_15.port,
    }
    settings = {**find("ConfigMap")["data"], **addresses}
    async with temporary_database(server_15) as registry:
        secrets = {
            "admin-dsn": server_15.dsn(),
            "registry-url": registry,
            "service-secret": SECRET,
            "admin-key": ADMIN_KEY,
        }
        options = (
            "--network=host",
            *(f"--env={name}={value}" for name, value in settings.items()),
            *pod_rights(),
            *pod_volumes(tmp_path / "secrets", secrets),
        )
        async with podman.container(image, *options) as running:
            await wait_until_healthy(running)
            database = await create_database(service_at(port), **bearer(ADMIN_KEY))

            assert await query_owner(database) == database["owner"]
            assert await running.stop() == 0


async def test_its_health_check_knows_tls(podman: Podman, image: str, tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    folder.mkdir(mode=0o755)
    files = await make_certificate(folder, name="cert")
    files.key.chmod(0o644)  # for the container's user
    options = (
        *FEW_RIGHTS,
        "--env=PGVEND_PROVIDER=memory",
        "--env=PGVEND_TLS_CERT=/tls/cert.pem",
        "--env=PGVEND_TLS_KEY=/tls/cert.key",
        f"--volume={folder}:/tls:ro",
    )
    async with podman.container(image, *options) as container:
        await wait_until_healthy(container)
        assert "pgvend serves https://0.0.0.0:8000" in await container.read_log()


def _mount_secrets(folder: Path, values: dict[str, str]) -> list[str]:
    """Write the values to files for the container's user, and return the options that name them."""
    folder.mkdir(mode=0o755)
    for name, value in values.items():
        (folder / name).write_text(f"{value}\n")
        (folder / name).chmod(0o644)
    variables = [f"--env=PGVEND_{name}_FILE=/run/secrets/{name}" for name in values]
    return [f"--volume={folder}:/run/secrets:ro", *variables]


def _logs(container: Container, event: str) -> Any:
    async def has_logged() -> bool:
        return event in await container.read_log()

    return has_logged


async def _is_reachable(port: int) -> bool:
    """Return whether connections from outside arrive: podman forwards them after the start."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _wait_until_closed(port: int) -> None:
    with suppress(ConnectionRefusedError, ConnectionResetError):  # or while it closes
        async with asyncio.timeout(60):
            while True:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await asyncio.sleep(0.02)
