"""What may befall a process, for tests that try out everything."""

import asyncio
from dataclasses import dataclass

from domain.errors import ProviderBusy, Unavailable
from tests.support.fate import Fate, Killed


@dataclass(frozen=True)
class Blow:
    error: type[BaseException]
    lasting: bool = False

    def fate(self, at: int) -> Fate:
        return Fate(self.error(), at, self.lasting)


BLOWS = {
    "killed": Blow(Killed, lasting=True),
    "outage": Blow(Unavailable, lasting=True),
    "busy-once": Blow(ProviderBusy),
    "cancelled": Blow(asyncio.CancelledError),
    "bug": Blow(ValueError),
}
