"""`pgvend health`, by the settings of the service itself."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from entrypoints.config.local_service import DEFAULT_HOST, DEFAULT_PORT
from entrypoints.config.provider import ProviderName
from entrypoints.config.settings import Settings
from entrypoints.config.tls import create_tls_context
from tests.support.apps import RunningApp, create_container, reserved_port, serving_app
from tests.support.certificates import make_certificate
from tests.support.command_line import CommandResult, run_command
from tests.support.fake_service import FakeService, fake_service

READY = {"status": "ok", "checks": {"registry": "ok", "provider": "ok"}, "access": "keys"}
NOT_READY = READY | {"status": "unavailable", "checks": {"registry": "timeout", "provider": "ok"}}


async def test_a_service_that_serves_is_ready() -> None:
    async with fake_service(READY, READY) as service:
        result, as_json = await _check(service), await _check(service, "--json")
    assert [path for _, path, _ in service.requests] == ["/readyz", "/readyz"]
    assert (result.status, result.stderr, as_json.status) == (0, "", 0)
    assert result.stdout == f"{service.url[:-1]} is ready: registry ok, provider ok\n"
    assert json.loads(as_json.stdout) == READY


async def test_a_service_without_its_registry_is_not_ready() -> None:
    async with fake_service(NOT_READY, NOT_READY, status=503) as service:
        result, as_json = await _check(service), await _check(service, "--json")
    assert (result.status, result.stderr, as_json.status) == (1, "", 1)
    assert result.stdout == f"{service.url[:-1]} is not ready: registry timeout, provider ok\n"
    assert json.loads(as_json.stdout) == NOT_READY


async def test_a_service_can_be_alive_without_its_parts() -> None:
    async with fake_service({"status": "ok"}) as service:
        result = await _check(service, "--live")
    assert [path for _, path, _ in service.requests] == ["/livez"]
    assert (result.status, result.stdout) == (0, f"{service.url[:-1]} is alive\n")


async def test_no_key_is_sent() -> None:
    async with fake_service(READY) as service:
        await _check(service, PGVEND_KEY="k", PGVEND_ADMIN_KEY="a" * 32)
    assert "Authorization" not in service.headers[0]


@pytest.mark.parametrize("host", ["0.0.0.0", "localhost", "127.0.0.1"])
async def test_a_service_is_found_by_the_address_that_it_listens_on(
    app: RunningApp, host: str
) -> None:
    assert (await _check(app.port, HOST=host)).status == 0


async def test_a_service_with_keys_and_tls_is_checked_without_a_key_and_an_authority(
    tmp_path: Path,
) -> None:
    """Its certificate does not have this machine's address as a name."""
    certificate = await make_certificate(tmp_path, alternatives="DNS:pgvend.example")
    files: dict[str, Any] = {"tls_cert": certificate.cert, "tls_key": certificate.key}
    keys = "web=0123456789abcdef0123"
    container = create_container(ProviderName.MEMORY, api_keys=keys, **files)
    tls = create_tls_context(container.settings())
    async with serving_app(container, tls=tls) as (port, _):
        result = await _check(port, PGVEND_TLS_CERT=str(certificate.cert))
        plain = await _check(port)
    assert result.status == 0, result.stderr
    assert f"https://127.0.0.1:{port} is ready" in result.stdout
    assert (plain.status, "PGVEND_TLS_CERT" in plain.stderr) == (6, True)


@pytest.fixture
def free_port() -> Iterator[int]:
    with reserved_port() as port:
        yield port


async def test_without_a_service_the_status_is_unreachable(free_port: int) -> None:
    result, as_json = await _check(free_port), await _check(free_port, "--json")
    assert (result.status, as_json.status, result.stdout) == (6, 6, "")
    assert "Connection refused" in result.stderr
    assert json.loads(as_json.stderr)["code"] == "unreachable"


@pytest.mark.parametrize(("answer", "status"), [({"status": "ok"}, 404), ([], 200), ({}, 200)])
async def test_another_program_at_the_port_is_not_healthy(answer: Any, status: int) -> None:
    async with fake_service(answer, status=status) as service:
        result = await _check(service)
    assert (result.status, "not pgvend's" in result.stderr) == (6, True)


@pytest.mark.parametrize("port", ["0", "x", "65536"])
async def test_a_port_that_cannot_be_found_is_an_error(port: str) -> None:
    result = await run_command("health", PORT=port)
    assert (result.status, "PORT" in result.stderr) == (1, True)


def test_the_defaults_are_those_of_the_service() -> None:
    settings = Settings.model_construct()
    assert (settings.host, settings.port) == (DEFAULT_HOST, DEFAULT_PORT)


async def _check(at: FakeService | int, *options: str, **environment: str) -> CommandResult:
    """Check the service at that port of this machine."""
    port = at if isinstance(at, int) else int(at.url.rstrip("/").rpartition(":")[2])
    variables: Mapping[str, str] = {"PORT": str(port), **environment}
    return await run_command("health", *options, **variables)
