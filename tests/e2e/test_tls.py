"""TLS of the service itself."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from domain.errors import StartupError
from entrypoints.config.provider import ProviderName
from entrypoints.config.settings import Settings
from entrypoints.config.tls import create_tls_context
from entrypoints.http.server.connection_limiter import ConnectionLimits
from tests.support.apps import create_container, serving_app
from tests.support.certificates import CertificateFiles, make_certificate
from tests.support.command_line import run_command, run_pgvend
from tests.support.raw_connections import ask_once, connect_many_raw, connect_raw, request
from tests.support.service import running_service

HSTS = "Strict-Transport-Security"
SHORT = 0.2


def create_client_context(certificate: CertificateFiles) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate.cert)


def create_server_context(certificate: CertificateFiles) -> ssl.SSLContext | None:
    files: dict[str, Any] = {"tls_cert": certificate.cert, "tls_key": certificate.key}
    return create_tls_context(Settings(_env_file=None, provider=ProviderName.MEMORY, **files))


@pytest.fixture(scope="module")
async def certificate(tmp_path_factory: pytest.TempPathFactory) -> CertificateFiles:
    return await make_certificate(tmp_path_factory.mktemp("tls"), name="localhost")


async def test_the_service_and_the_command_line_use_https(
    tmp_path: Path, certificate: CertificateFiles
) -> None:
    files: dict[str, Any] = {"PGVEND_TLS_CERT": f"{certificate.cert}"}
    files["PGVEND_TLS_KEY"] = f"{certificate.key}"
    async with running_service(tmp_path, PGVEND_PROVIDER="memory", **files) as service:
        assert service.url.startswith("https://127.0.0.1:")
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"{service.url}/livez", ssl=create_client_context(certificate)) as response,
        ):
            assert await response.json() == {"status": "ok"}
        known = await run_pgvend(
            "list", PGVEND_URL=service.url, SSL_CERT_FILE=str(certificate.cert)
        )
        strange = await run_command("list", PGVEND_URL=service.url)
        assert await service.stop() == 0

    assert known.status == 0, known.stderr
    assert strange.status == 6, "an unknown certificate is rejected"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_current_tls_versions_are_accepted(
    certificate: CertificateFiles, version: ssl.TLSVersion
) -> None:
    client = create_client_context(certificate)
    client.minimum_version = client.maximum_version = version
    async with _serving(certificate) as port:
        assert (await ask_once(port, ssl=client)).status == 200


async def test_older_tls_is_refused(certificate: CertificateFiles) -> None:
    client = create_client_context(certificate)
    client.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLS"):
        client.minimum_version = client.maximum_version = ssl.TLSVersion.TLSv1_1
    async with _serving(certificate) as port:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await ask_once(port, ssl=client)


async def test_plain_http_is_disconnected(certificate: CertificateFiles) -> None:
    async with _serving(certificate) as port:
        async with connect_raw(port) as plain:
            plain.send(request())
            assert b"HTTP" not in await plain.read_to_end()
        assert (await ask_once(port, ssl=create_client_context(certificate))).status == 200


async def test_an_incomplete_handshake_closes_the_connection(certificate: CertificateFiles) -> None:
    async with _serving(certificate, head=SHORT) as port, connect_raw(port) as wire:
        wire.send(b"\x16\x03\x01")
        assert await wire.read_to_end() == b""


async def test_incomplete_handshakes_are_closed_for_new_callers(
    certificate: CertificateFiles,
) -> None:
    async with (
        _serving(certificate, max_connections=5) as port,
        connect_many_raw(port, 20) as silent,
    ):
        answers = [await ask_once(port, ssl=create_client_context(certificate)) for _ in range(3)]
        assert [answer.status for answer in answers] == [200] * 3
        assert await silent[0].read_to_end() == b""


async def test_older_handshakes_are_closed_before_newer_connections(
    certificate: CertificateFiles,
) -> None:
    async with (
        _serving(certificate, max_connections=5) as port,
        connect_many_raw(port, 5),
        connect_raw(port, ssl=create_client_context(certificate)) as caller,
        connect_many_raw(port, 3) as late,
    ):
        late[0].send(b"\x16")

        assert (await caller.ask()).status == 200


async def test_hsts_is_sent_except_for_localhost(certificate: CertificateFiles) -> None:
    keys = {"api_keys": "web=0123456789abcdef0123"}
    async with _serving(certificate, settings=keys) as port:
        named = await ask_once(
            port, request(Host="db.example"), ssl=create_client_context(certificate)
        )
        local = await ask_once(
            port, request(Host="localhost"), ssl=create_client_context(certificate)
        )
    assert named.headers[HSTS] == "max-age=31536000"
    assert HSTS not in local.headers, "HSTS would break plain HTTP on other ports of localhost"


async def test_a_wrong_or_encrypted_key_is_reported(
    tmp_path: Path, certificate: CertificateFiles
) -> None:
    locked = await make_certificate(tmp_path, "-passout", "pass:hunter2", name="localhost")
    _check_startup_error(locked.cert, locked.key)
    other = await make_certificate(tmp_path, name="localhost")
    _check_startup_error(certificate.cert, other.key)


@pytest.mark.parametrize(
    "content", [b"", b"no PEM", b"\xff" * 100], ids=["empty", "text", "binary"]
)
def test_files_that_are_not_pem_are_reported(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file.pem"
    file.write_bytes(content)
    _check_startup_error(file, file)


def test_a_folder_or_a_missing_file_is_reported(
    tmp_path: Path, certificate: CertificateFiles
) -> None:
    assert "Is a directory" in _check_startup_error(tmp_path, tmp_path)
    assert "No such file" in _check_startup_error(certificate.cert, tmp_path / "none")


@asynccontextmanager
async def _serving(
    certificate: CertificateFiles, *, settings: dict[str, Any] | None = None, **limits: Any
) -> AsyncIterator[int]:
    container = create_container(ProviderName.MEMORY, **settings or {})
    async with serving_app(
        container, tls=create_server_context(certificate), limits=ConnectionLimits(**limits)
    ) as (port, _):
        yield port


def _check_startup_error(cert: Path, key: Path) -> str:
    with pytest.raises(StartupError) as refused:
        create_server_context(CertificateFiles(cert, key))
    text = str(refused.value)
    assert str(cert) in text
    assert "set PGVEND_TLS_CERT" in text
    assert "PGVEND_TLS_KEY" in text
    return text
