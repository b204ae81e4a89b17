"""Login check on computes that accept a new role after a short delay."""

from dataclasses import dataclass

from adapters.neon.addresses import require_verification
from domain.connection import Connection
from domain.errors import ProviderRejected
from ports.driven.clock import Clock
from ports.driven.login_check import LoginCheck

PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between attempts."""


@dataclass(frozen=True)
class NeonLoginCheck(LoginCheck):
    """A login check that verifies the server's certificate and repeats a refused login for some
    seconds."""

    inner: LoginCheck
    clock: Clock

    async def verify(self, connection: Connection) -> None:
        own = require_verification(connection)
        for pause in PAUSES:
            try:
                return await self.inner.verify(own)
            except ProviderRejected:
                await self.clock.sleep(pause)
        return await self.inner.verify(own)
