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
from entrypoints.config.tls import tls_of
from entrypoints.http.server.connection_limiter import Limits
from tests.support.apps import container_of, served
from tests.support.certificates import Files, make_certificate
from tests.support.command_line import pgvend, run_command
from tests.support.raw_connections import asked, request, wire_to, wires_to
from tests.support.service import running_service

HSTS = "Strict-Transport-Security"
SHORT = 0.2


def trusting(certificate: Files) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate.cert)


def as_served(certificate: Files) -> ssl.SSLContext | None:
    files: dict[str, Any] = {"tls_cert": certificate.cert, "tls_key": certificate.key}
    return tls_of(Settings(_env_file=None, provider=ProviderName.MEMORY, **files))


@pytest.fixture(scope="module")
async def certificate(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return await make_certificate(tmp_path_factory.mktemp("tls"), name="localhost")


async def test_the_service_and_the_command_line_use_https(
    tmp_path: Path, certificate: Files
) -> None:
    files: dict[str, Any] = {"PGVEND_TLS_CERT": f"{certificate.cert}"}
    files["PGVEND_TLS_KEY"] = f"{certificate.key}"
    async with running_service(tmp_path, PGVEND_PROVIDER="memory", **files) as service:
        assert service.url.startswith("https://127.0.0.1:")
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"{service.url}/livez", ssl=trusting(certificate)) as response,
        ):
            assert await response.json() == {"status": "ok"}
        known = await pgvend("list", PGVEND_URL=service.url, SSL_CERT_FILE=str(certificate.cert))
        strange = await run_command("list", PGVEND_URL=service.url)
        assert await service.stop() == 0

    assert known.status == 0, known.stderr
    assert strange.status == 1, "an unknown certificate is rejected"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_current_tls_versions_are_accepted(
    certificate: Files, version: ssl.TLSVersion
) -> None:
    client = trusting(certificate)
    client.minimum_version = client.maximum_version = version
    async with _serving(certificate) as port:
        assert (await asked(port, ssl=client)).status == 200


async def test_older_tls_is_refused(certificate: Files) -> None:
    client = trusting(certificate)
    client.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLS"):
        client.minimum_version = client.maximum_version = ssl.TLSVersion.TLSv1_1
    async with _serving(certificate) as port:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asked(port, ssl=client)


async def test_plain_http_is_disconnected(certificate: Files) -> None:
    async with _serving(certificate) as port:
        async with wire_to(port) as plain:
            plain.send(request())
            assert b"HTTP" not in await plain.ended()
        assert (await asked(port, ssl=trusting(certificate))).status == 200


async def test_an_incomplete_handshake_closes_the_connection(certificate: Files) -> None:
    async with _serving(certificate, head=SHORT) as port, wire_to(port) as wire:
        wire.send(b"\x16\x03\x01")
        assert await wire.ended() == b""


async def test_incomplete_handshakes_are_closed_for_new_callers(certificate: Files) -> None:
    async with _serving(certificate, most=5) as port, wires_to(port, 20) as silent:
        answers = [await asked(port, ssl=trusting(certificate)) for _ in range(3)]
        assert [answer.status for answer in answers] == [200] * 3
        assert await silent[0].ended() == b""


async def test_older_handshakes_are_closed_before_newer_connections(certificate: Files) -> None:
    async with (
        _serving(certificate, most=5) as port,
        wires_to(port, 5),
        wire_to(port, ssl=trusting(certificate)) as caller,
        wires_to(port, 3) as late,
    ):
        late[0].send(b"\x16")

        assert (await caller.ask()).status == 200


async def test_hsts_is_sent_except_for_localhost(certificate: Files) -> None:
    keys = {"api_keys": "web=0123456789abcdef0123"}
    async with _serving(certificate, settings=keys) as port:
        named = await asked(port, request(Host="db.example"), ssl=trusting(certificate))
        local = await asked(port, request(Host="localhost"), ssl=trusting(certificate))
    assert named.headers[HSTS] == "max-age=31536000"
    assert HSTS not in local.headers, "HSTS would break plain HTTP on other ports of localhost"


async def test_a_wrong_or_encrypted_key_is_reported(tmp_path: Path, certificate: Files) -> None:
    locked = await make_certificate(tmp_path, "-passout", "pass:hunter2", name="localhost")
    _is_told_what_to_set(locked.cert, locked.key)
    other = await make_certificate(tmp_path, name="localhost")
    _is_told_what_to_set(certificate.cert, other.key)


@pytest.mark.parametrize(
    "content", [b"", b"no PEM", b"\xff" * 100], ids=["empty", "text", "binary"]
)
def test_files_that_are_not_pem_are_reported(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file.pem"
    file.write_bytes(content)
    _is_told_what_to_set(file, file)


def test_a_folder_or_a_missing_file_is_reported(tmp_path: Path, certificate: Files) -> None:
    assert "Is a directory" in _is_told_what_to_set(tmp_path, tmp_path)
    assert "No such file" in _is_told_what_to_set(certificate.cert, tmp_path / "none")


@asynccontextmanager
async def _serving(
    certificate: Files, *, settings: dict[str, Any] | None = None, **limits: Any
) -> AsyncIterator[int]:
    container = container_of(ProviderName.MEMORY, **settings or {})
    async with served(container, tls=as_served(certificate), limits=Limits(**limits)) as (port, _):
        yield port


def _is_told_what_to_set(cert: Path, key: Path) -> str:
    with pytest.raises(StartupError) as refused:
        as_served(Files(cert, key))
    text = str(refused.value)
    assert str(cert) in text
    assert "set PGVEND_TLS_CERT" in text
    assert "PGVEND_TLS_KEY" in text
    return text
