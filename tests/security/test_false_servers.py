"""A server that pretends to be Neon's compute gets no password."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from adapters.neon.extensions import install_extensions
from adapters.neon.login_check import NeonLoginCheck
from adapters.neon.startup import NeonConfig, open_neon
from adapters.postgres.login_check import PostgresLoginCheck
from domain.connection import Connection
from domain.errors import PgvendError, ProviderBusy
from domain.secrets import Secret
from domain.targets import Isolation
from tests.support.certificates import CertificateFiles, make_certificate
from tests.support.clock import FakeClock
from tests.support.databases import provisioned_database
from tests.support.neon.emulator import RunningEmulator, running_emulator
from tests.support.neon.providers import create_config
from tests.support.provision_requests import new_provision_request
from tests.support.tls_front import HOST, Disguise, TlsFront, running_front

PASSWORD = "the-password-of-the-tenant"


@dataclass
class NeonTls:
    """Neon, with certificates of the only authority that the system trusts and of another one."""

    neon: RunningEmulator
    disguise: Disguise
    right: CertificateFiles
    wrong: dict[str, CertificateFiles | None]

    @asynccontextmanager
    async def front_server(
        self, certificate: CertificateFiles | None, upstream: int | None = None
    ) -> AsyncIterator[TlsFront]:
        async with running_front(certificate, upstream) as tls_front:
            self.disguise.front = tls_front
            yield tls_front
            self.disguise.front = None

    def config(self, isolation: Isolation) -> NeonConfig:
        config = create_config(self.neon, isolation)
        return replace(config, access=replace(config.access, host=HOST), clock=FakeClock())


@pytest.fixture(scope="module")
async def neon_tls(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[NeonTls]:
    folder: Path = tmp_path_factory.mktemp("certificates")
    authority = await make_certificate(folder, name="authority")
    right_names, wrong_names = f"IP:{HOST}", "IP:127.0.0.1,DNS:localhost"
    right = await make_certificate(folder, name="right", alternatives=right_names, signer=authority)
    name = await make_certificate(folder, name="name", alternatives=wrong_names, signer=authority)
    stranger = await make_certificate(folder, name="stranger", alternatives=right_names)
    wrong = {"another authority": stranger, "another name": name, "no TLS": None}
    disguise = Disguise()
    async with running_emulator(middlewares=[disguise.middleware], checked=False) as neon:
        disguise.port = neon.emulator.first.compute.port
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("SSL_CERT_FILE", str(authority.cert))
            yield NeonTls(neon, disguise, right, wrong)


def create_connection(tls_front: TlsFront) -> Connection:
    return Connection(
        host=HOST,
        port=tls_front.port,
        database="shop",
        user="shop_owner",
        password=Secret(PASSWORD),
        sslmode="require",
    )


async def provision_by_role(neon_tls: NeonTls, tls_front: TlsFront) -> None:
    async with open_neon(neon_tls.config(Isolation.ROLE)) as provider:
        await provider.provision(new_provision_request())


async def start_by_api(neon_tls: NeonTls, tls_front: TlsFront) -> None:
    async with open_neon(neon_tls.config(Isolation.NONE)):
        pass  # startup reads the table of claims


async def list_extensions_of_project(neon_tls: NeonTls, tls_front: TlsFront) -> None:
    async with open_neon(neon_tls.config(Isolation.PROJECT)) as provider:
        await provider.extensions()


async def check_login(neon_tls: NeonTls, tls_front: TlsFront) -> None:
    await NeonLoginCheck(PostgresLoginCheck(), FakeClock()).verify(create_connection(tls_front))


SESSIONS: dict[str, Callable[[NeonTls, TlsFront], Awaitable[None]]] = {
    "the admin, by role": provision_by_role,
    "the admin, by the API": start_by_api,
    "the admin, in projects": list_extensions_of_project,
    "the check of a login": check_login,
}


async def fetch_secret(neon_tls: NeonTls, session: str) -> bytes:
    if session == "the check of a login":
        return PASSWORD.encode()
    uri = await neon_tls.neon.client.uri("neondb_owner", "neondb")
    return (urlsplit(uri).password or "").encode()


@pytest.mark.parametrize("session", SESSIONS)
@pytest.mark.parametrize("wrong", ["another authority", "another name", "no TLS"])
async def test_an_unverified_server_gets_no_password(
    neon_tls: NeonTls, session: str, wrong: str
) -> None:
    async with neon_tls.front_server(neon_tls.wrong[wrong]) as tls_front:
        with pytest.raises(PgvendError):
            await SESSIONS[session](neon_tls, tls_front)
    assert tls_front.received, "no request reached the server"
    assert await fetch_secret(neon_tls, session) not in tls_front.received


@pytest.mark.parametrize("session", SESSIONS)
async def test_a_verified_server_gets_the_password(neon_tls: NeonTls, session: str) -> None:
    """This proves that the test above can fail."""
    async with neon_tls.front_server(neon_tls.right) as tls_front:
        with pytest.raises(PgvendError):
            await SESSIONS[session](neon_tls, tls_front)
    assert await fetch_secret(neon_tls, session) in tls_front.received


async def test_databases_are_created_by_verifying_sessions_and_handed_out_with_neons_sslmode(
    neon_tls: NeonTls,
) -> None:
    provision_request = new_provision_request()
    async with (
        neon_tls.front_server(neon_tls.right, neon_tls.disguise.port) as tls_front,
        open_neon(neon_tls.config(Isolation.ROLE)) as provider,
        provisioned_database(provider, provision_request) as connection,
    ):
        assert (connection.host, connection.port) == (HOST, tls_front.port)
        assert connection.sslmode == "require"
        await NeonLoginCheck(PostgresLoginCheck(), FakeClock()).verify(connection)
        await install_extensions(["hstore"], connection, HOST, FakeClock())
        with pytest.raises(ProviderBusy, match="cannot be verified"):
            await install_extensions(["citext"], connection, "0", FakeClock())
        tls_front.certificate = neon_tls.wrong["another name"]  # for new sessions
        with pytest.raises(ProviderBusy, match="cannot be verified"):
            await provider.install(replace(provision_request, extensions=("citext",)))
        tls_front.certificate = neon_tls.right
        await provider.install(replace(provision_request, extensions=("citext",)))
