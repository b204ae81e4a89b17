"""The login check repeats a refused login for some seconds."""

from dataclasses import dataclass, field, replace

import pytest

from adapters.neon.login_check import PAUSES, NeonLoginCheck
from domain.connection import Connection
from domain.errors import PgvendError, ProviderBusy, ProviderRejected
from domain.secrets import Secret
from ports.driven.login_check import LoginCheck
from tests.support.clock import FakeClock

CONNECTION = Connection(
    host="host", port=5432, database="shop", user="user_shop", password=Secret("npg_hidden")
)


@pytest.mark.parametrize("refusals", [0, 1, len(PAUSES)])
async def test_a_login_that_works_after_a_delay_passes(refusals: int) -> None:
    clock, logins = FakeClock(), Logins([ProviderRejected("no such role")] * refusals)
    await NeonLoginCheck(logins, clock).verify(CONNECTION)
    assert logins.connections == [replace(CONNECTION, sslmode="verify-full")] * (refusals + 1)
    assert clock.slept == list(PAUSES[:refusals])


async def test_a_login_that_never_works_fails() -> None:
    clock, logins = FakeClock(), Logins([ProviderRejected("no such role")] * 100)
    with pytest.raises(ProviderRejected):
        await NeonLoginCheck(logins, clock).verify(CONNECTION)
    assert 5 <= clock.passed <= 15


async def test_other_errors_are_raised_at_once() -> None:
    clock, logins = FakeClock(), Logins([ProviderBusy()])
    with pytest.raises(ProviderBusy):
        await NeonLoginCheck(logins, clock).verify(CONNECTION)
    assert clock.slept == []


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
async def test_on_loopback_the_tenants_sslmode_is_used(host: str) -> None:
    logins, there = Logins(), replace(CONNECTION, host=host)
    await NeonLoginCheck(logins, FakeClock()).verify(there)
    assert logins.connections == [there]


@dataclass
class Logins(LoginCheck):
    """A login check that raises these errors at the next logins."""

    errors: list[PgvendError] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)

    async def verify(self, connection: Connection) -> None:
        self.connections.append(connection)
        if self.errors:
            raise self.errors.pop(0)
