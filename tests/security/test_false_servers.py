"""No server between pgvend and Neon's compute gets a password."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from adapters.neon.extensions import install_late
from adapters.neon.login_check import NeonLoginCheck
from adapters.neon.startup import Neon, opened_neon
from adapters.postgres.login_check import PostgresLoginCheck
from domain.connection import Connection
from domain.errors import PgvendError, ProviderBusy
from domain.secrets import Secret
from domain.targets import Isolation
from tests.support.certificates import Files, make_certificate
from tests.support.clock import FakeClock
from tests.support.databases import vended
from tests.support.neon.emulator import RunningEmulator, running_emulator
from tests.support.neon.providers import settings_on
from tests.support.provision_requests import new_order
from tests.support.tls_front import HOST, Disguise, Front, front

PASSWORD = "the-password-of-the-tenant"


@dataclass
class Street:
    """Neon, with certificates of the only authority that the system trusts and of another one."""

    neon: RunningEmulator
    disguise: Disguise
    right: Files
    wrong: dict[str, Files | None]

    @asynccontextmanager
    async def passing(
        self, certificate: Files | None, upstream: int | None = None
    ) -> AsyncIterator[Front]:
        async with front(certificate, upstream) as between:
            self.disguise.front = between
            yield between
            self.disguise.front = None

    def place(self, isolation: Isolation) -> Neon:
        usual = settings_on(self.neon, isolation)
        return replace(usual, place=replace(usual.place, host=HOST), clock=FakeClock())


@pytest.fixture(scope="module")
async def street(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    folder: Path = tmp_path_factory.mktemp("certificates")
    authority = await make_certificate(folder, name="authority")
    there, elsewhere = f"IP:{HOST}", "IP:127.0.0.1,DNS:localhost"
    right = await make_certificate(folder, name="right", alternatives=there, signer=authority)
    name = await make_certificate(folder, name="name", alternatives=elsewhere, signer=authority)
    stranger = await make_certificate(folder, name="stranger", alternatives=there)
    wrong = {"another authority": stranger, "another name": name, "no TLS": None}
    disguise = Disguise()
    async with running_emulator(middlewares=[disguise.middleware], checked=False) as neon:
        disguise.port = neon.emulator.first.compute.port
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("SSL_CERT_FILE", str(authority.cert))
            yield Street(neon, disguise, right, wrong)


def handed_out(between: Front) -> Connection:
    return Connection(
        host=HOST,
        port=between.port,
        database="shop",
        user="shop_owner",
        password=Secret(PASSWORD),
        sslmode="require",
    )


async def by_role(street: Street, between: Front) -> None:
    async with opened_neon(street.place(Isolation.ROLE)) as provider:
        await provider.provision(new_order())


async def by_api(street: Street, between: Front) -> None:
    async with opened_neon(street.place(Isolation.NONE)):
        pass  # startup reads the table of claims


async def in_projects(street: Street, between: Front) -> None:
    async with opened_neon(street.place(Isolation.PROJECT)) as provider:
        await provider.extensions()


async def check_login(street: Street, between: Front) -> None:
    await NeonLoginCheck(PostgresLoginCheck(), FakeClock()).verify(handed_out(between))


SESSIONS: dict[str, Callable[[Street, Front], Awaitable[None]]] = {
    "the admin, by role": by_role,
    "the admin, by the API": by_api,
    "the admin, in projects": in_projects,
    "the check of a login": check_login,
}


async def secret_of(street: Street, session: str) -> bytes:
    if session == "the check of a login":
        return PASSWORD.encode()
    uri = await street.neon.client.uri("neondb_owner", "neondb")
    return (urlsplit(uri).password or "").encode()


@pytest.mark.parametrize("session", SESSIONS)
@pytest.mark.parametrize("wrong", ["another authority", "another name", "no TLS"])
async def test_an_unverified_server_gets_no_password(
    street: Street, session: str, wrong: str
) -> None:
    async with street.passing(street.wrong[wrong]) as between:
        with pytest.raises(PgvendError):
            await SESSIONS[session](street, between)
    assert between.received, "no request reached the server"
    assert await secret_of(street, session) not in between.received


@pytest.mark.parametrize("session", SESSIONS)
async def test_a_verified_server_gets_the_password(street: Street, session: str) -> None:
    """Without this, the test above could not fail."""
    async with street.passing(street.right) as between:
        with pytest.raises(PgvendError):
            await SESSIONS[session](street, between)
    assert await secret_of(street, session) in between.received


async def test_databases_are_created_by_verifying_sessions_and_handed_out_with_neons_sslmode(
    street: Street,
) -> None:
    order = new_order()
    async with (
        street.passing(street.right, street.disguise.port) as between,
        opened_neon(street.place(Isolation.ROLE)) as provider,
        vended(provider, order) as connection,
    ):
        assert (connection.host, connection.port) == (HOST, between.port)
        assert connection.sslmode == "require"
        await NeonLoginCheck(PostgresLoginCheck(), FakeClock()).verify(connection)
        await install_late(["hstore"], connection, HOST, FakeClock())
        with pytest.raises(ProviderBusy, match="cannot be verified"):
            await install_late(["citext"], connection, "0", FakeClock())
        between.certificate = street.wrong["another name"]  # for new sessions
        with pytest.raises(ProviderBusy, match="cannot be verified"):
            await provider.install(replace(order, extensions=("citext",)))
        between.certificate = street.right
        await provider.install(replace(order, extensions=("citext",)))
