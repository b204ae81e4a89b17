"""HTTP client of Neon's API: returns responses as models and raises domain errors."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
from pydantic import ValidationError
from yarl import URL

from adapters.neon.api_models import Wire
from adapters.neon.budget import Budget
from adapters.neon.errors import NO_ANSWER, PAUSE, Lost, refusal
from adapters.neon.retry_after import seconds_to_wait
from domain.errors import OutcomeUnknown, ProviderBusy
from domain.secrets import Secret
from ports.driven.cancellation import finished
from ports.driven.clock import Clock

Answer = TypeVar("Answer", bound=Wire)

ANSWER_TIMEOUT = 30.0
CONNECT_TIMEOUT = 10.0
"""Seconds for a whole response, and for opening its connection."""


def path(*parts: str) -> str:
    """Join parts into a path and percent-encode each whole part, such as a role's name."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


@dataclass(frozen=True)
class Client:
    session: aiohttp.ClientSession
    url: str
    budget: Budget
    clock: Clock

    async def read(self, where: str, model: type[Answer], **query: str) -> Answer:
        """Send a GET request. Raises ProviderBusy if no response arrives: nothing was changed."""
        await self.budget.spend()
        return await self._asked("GET", where, model, ProviderBusy, params=query)

    async def write(
        self, method: str, where: str, model: type[Answer], body: Mapping[str, Any] | None = None
    ) -> Answer:
        """Send a request that changes something. Raises OutcomeUnknown if no response arrives.

        It is never repeated here, because Neon has no idempotency keys. It completes even if the
        caller is cancelled, so that no change is under way while the caller cleans up.
        """
        await self.budget.spend()  # a call that is cancelled here has changed nothing
        return await finished(self._asked(method, where, model, OutcomeUnknown, json=body))

    async def _asked(
        self, method: str, where: str, model: type[Answer], lost: Lost, **content: Any
    ) -> Answer:
        with _translated(lost):
            # `encoded`: a slash within a name stays escaped
            url = URL(self.url + where, encoded=True)
            ask = self.session.request(method, url, allow_redirects=False, **content)
            async with ask as response:
                body = await response.read()
        if response.status >= 300:
            self._refused(response, body, lost)
        try:
            return model.model_validate_json(b"{}" if response.status == 204 else body)
        except ValidationError as error:
            raise lost(NO_ANSWER) from error

    def _refused(self, response: aiohttp.ClientResponse, body: bytes, lost: Lost) -> None:
        retry_after = seconds_to_wait(response.headers.get("Retry-After"), self.clock.now())
        if response.status == 429:
            retry_after = PAUSE if retry_after is None else retry_after
            self.budget.hold(retry_after)
        request_id = response.headers.get("x-neon-ret-request-id", "")
        raise refusal(response.status, body, request_id, retry_after, lost)


@asynccontextmanager
async def opened_client(
    url: str, key: Secret, budget: Budget, clock: Clock, answer_timeout: float = ANSWER_TIMEOUT
) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {key.reveal()}", "Accept": "application/json"},
        timeout=aiohttp.ClientTimeout(total=answer_timeout, sock_connect=CONNECT_TIMEOUT),
        middlewares=(_once,),
    ) as session:
        yield Client(session, url.rstrip("/"), budget, clock)


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Prevent aiohttp from repeating a request whose connection closed.

    aiohttp repeats idempotent methods: correct for GET, but the caller must decide about DELETE.
    aiohttp does not repeat after a plain ClientError.
    """
    if request.method == "GET":
        return await handler(request)
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientError from error


@contextmanager
def _translated(lost: Lost) -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise ProviderBusy("Neon cannot be reached; check NEON_API_URL.") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise lost(NO_ANSWER) from error
