"""Admission over memory: keys that are right, and what is shown instead of them."""

from dataclasses import dataclass, field
from typing import Any

from adapters.memory.keys import MemoryKeyRing
from adapters.memory.rates import MemoryRates
from domain.keys import ApiKey, StaticKey, digest_of
from domain.secret import Secret
from ports.driving.admit import AdmitCaller, Admitted, Knock
from ports.driving.manage_keys import KeyRequest, ManageKeys
from tests.support.clock import FakeClock
from tests.support.people import USUAL, person
from tests.support.randomness import SeededRandomness

HOME = "192.0.2.1"


@dataclass
class Door:
    is_open: bool = False
    static: dict[str, str] = field(default_factory=dict)
    """The operator's own keys, by the callers' names."""

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.ring = MemoryKeyRing()
        self.rates = MemoryRates(self.clock)
        self.keys = ManageKeys(ring=self.ring, clock=self.clock, randomness=SeededRandomness())

    async def made(self, **more: Any) -> tuple[ApiKey, str]:
        """The record of a new key, and the key."""
        request = KeyRequest(**{"name": "ann", "scopes": USUAL} | more)
        record, key = await self.keys.create(request)
        return record, key.reveal()

    async def knock(
        self, key: str | None, *, origin: str | None = None, address: str = HOME
    ) -> Admitted:
        shown = None if key is None else Secret(key)
        return await self._admit()(Knock(key=shown, origin=origin, address=address))

    def _admit(self) -> AdmitCaller:
        static = [StaticKey(digest_of(Secret(key)), person(n)) for n, key in self.static.items()]
        return AdmitCaller(
            ring=self.ring,
            rates=self.rates,
            failures=self.rates,
            clock=self.clock,
            static_keys=static,
            is_open=self.is_open,
        )


def forged(key: str) -> str:
    """The same beginning, another secret."""
    return key[:-1] + ("0" if key[-1] != "0" else "1")
