"""Asking the service, and asking again when it does not answer, as a client has to."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import aiohttp

from tests.support.chaos.house import House
from tests.support.chaos.ledger import Ledger

ATTEMPTS = 500
"""At one request, until the caller complains."""

NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any

    @property
    def may_pass(self) -> bool:
        return self.status in {409, 503} and bool(self.body["retryable"])

    @property
    def code(self) -> str:
        """Of a problem."""
        return str(self.body.get("code", ""))


@dataclass
class Caller:
    """`loyalty` is how likely it repeats a request whose answer was lost."""

    house: House
    ledger: Ledger
    http: aiohttp.ClientSession
    chance: Random
    loyalty: float = 0.8

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] = NO_HEADERS,
        *,
        repeatable: bool = True,
    ) -> Answer | None:
        """The first answer that is not one of patience; None when nobody knows what happened."""
        for _ in range(ATTEMPTS):
            answer = await self._asked(method, path, body, headers)
            if answer and not answer.may_pass:
                return answer
            if answer is None:
                self.ledger.counts["lost answers"] += 1
                if not repeatable or self.chance.random() > self.loyalty:
                    return None
            await asyncio.sleep(self.chance.uniform(0.02, 0.2))
        self.ledger.complain(f"{method} {path} is never answered: {answer}")
        return None

    def unexpected(self, method: str, path: str, answer: Answer) -> None:
        self.ledger.complain(f"{method} {path}: {answer.status} {answer.body}")

    async def _asked(
        self, method: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> Answer | None:
        url = await self.house.address(self.chance) + path
        try:
            asking = self.http.request(method, url, json=body, headers=headers)
            async with asking as response:
                return Answer(response.status, await response.json(content_type=None))
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
