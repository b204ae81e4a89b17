"""HTTP client of Neon's API: returns responses as models and raises domain errors."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import aiohttp
from pydantic import ValidationError
from yarl import URL

from adapters.neon.api_models import ApiModel
from adapters.neon.budget import Budget, parse_retry_after
from adapters.neon.errors import DEFAULT_PAUSE, NO_RESPONSE, LostResponseError, error_from_response
from domain.errors import OutcomeUnknown, ProviderBusy
from domain.secrets import Secret
from ports.driven.cancellation import run_to_completion
from ports.driven.clock import Clock

Model = TypeVar("Model", bound=ApiModel)

RESPONSE_TIMEOUT = 30.0
CONNECT_TIMEOUT = 10.0
"""Seconds for a whole response, and for opening its connection."""


class TraceRequest(Protocol):
    """Opens the span of a request, and yields headers that continue the trace at the server."""

    def __call__(
        self, method: str, server: str, path: str
    ) -> AbstractContextManager[Mapping[str, str]]: ...


def without_trace(method: str, server: str, path: str) -> AbstractContextManager[Mapping[str, str]]:
    return nullcontext({})


def build_path(*parts: str) -> str:
    """Join parts into a path and percent-encode each whole part, such as a role's name."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


@dataclass(frozen=True)
class Client:
    session: aiohttp.ClientSession
    url: str
    budget: Budget
    clock: Clock
    trace_request: TraceRequest = without_trace

    async def read(self, path: str, model: type[Model], **query: str) -> Model:
        """Send a GET request. Raises ProviderBusy if no response arrives: nothing was changed."""
        await self.budget.spend()
        return await self._send("GET", path, model, ProviderBusy, params=query)

    async def write(
        self, method: str, path: str, model: type[Model], body: Mapping[str, Any] | None = None
    ) -> Model:
        """Send a request that changes something. Raises OutcomeUnknown if no response arrives.

        It is never repeated here, because Neon has no idempotency keys. It completes even if the
        caller is cancelled, so that no change is under way while the caller cleans up.
        """
        await self.budget.spend()  # a call that is cancelled here has changed nothing
        return await run_to_completion(self._send(method, path, model, OutcomeUnknown, json=body))

    async def _send(
        self,
        method: str,
        path: str,
        model: type[Model],
        lost_error: LostResponseError,
        **content: Any,
    ) -> Model:
        # `encoded`: a slash within a name stays escaped
        url = URL(self.url + path, encoded=True)
        with self.trace_request(method, url.host or "", path) as headers:
            body = await self._exchange(method, url, lost_error, headers=headers, **content)
            try:
                return model.model_validate_json(body)
            except ValidationError as error:
                raise lost_error(NO_RESPONSE) from error

    async def _exchange(
        self, method: str, url: URL, lost_error: LostResponseError, **content: Any
    ) -> bytes:
        """Return the JSON of a successful response."""
        with _translate_errors(lost_error):
            request = self.session.request(method, url, allow_redirects=False, **content)
            async with request as response:
                body = await response.read()
        if response.status >= 300:
            self._raise_refusal(response, body, lost_error)
        return b"{}" if response.status == 204 else body

    def _raise_refusal(
        self, response: aiohttp.ClientResponse, body: bytes, lost_error: LostResponseError
    ) -> None:
        retry_after = parse_retry_after(response.headers.get("Retry-After"), self.clock.now())
        if response.status == 429:
            retry_after = DEFAULT_PAUSE if retry_after is None else retry_after
            self.budget.pause(retry_after)
        request_id = response.headers.get("x-neon-ret-request-id", "")
        raise error_from_response(response.status, body, request_id, retry_after, lost_error)


@asynccontextmanager
async def open_client(
    url: str,
    key: Secret,
    budget: Budget,
    clock: Clock,
    response_timeout: float = RESPONSE_TIMEOUT,
    trace_request: TraceRequest = without_trace,
) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {key.reveal()}", "Accept": "application/json"},
        timeout=aiohttp.ClientTimeout(total=response_timeout, sock_connect=CONNECT_TIMEOUT),
        middlewares=(_send_once,),
    ) as session:
        yield Client(session, url.rstrip("/"), budget, clock, trace_request)


async def _send_once(
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
def _translate_errors(lost_error: LostResponseError) -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise ProviderBusy("Neon cannot be reached; check NEON_API_URL.") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise lost_error(NO_RESPONSE) from error
