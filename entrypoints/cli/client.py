"""Requests to a running service, and its answers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from domain.errors import StartupError
from entrypoints.cli.errors import ExitStatus, RequestError, create_problem, find_exit_status
from entrypoints.cli.transport import TIMEOUT, Answer, exchange
from entrypoints.config.client import (
    ClientOptions,
    ClientSettings,
    format_target,
    load_client_settings,
)

MAX_PAGE_SIZE = "200"

_GATEWAY_ERRORS = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, 504}


class _Chosen:
    """The options of this process's command line, and the settings that were loaded with them."""

    options = ClientOptions()
    settings: ClientSettings | None = None


class NotPgvend(RequestError):
    """The server at the address is not a pgvend service."""

    def __init__(self) -> None:
        message = (
            f"The server at {load_settings().address} is not a pgvend service: set PGVEND_URL."
        )
        problem = create_problem(message, ExitStatus.UNREACHABLE, code="not_pgvend")
        super().__init__(message, ExitStatus.UNREACHABLE, problem=problem)


def use_options(options: ClientOptions) -> None:
    """Use these options of the command line for the requests that follow."""
    _Chosen.options, _Chosen.settings = options, None


def load_settings() -> ClientSettings:
    """Return the address and the key; read the files once. Raises RequestError."""
    if _Chosen.settings is None:
        try:
            _Chosen.settings = load_client_settings(_Chosen.options)
        except StartupError as error:
            raise RequestError(str(error), ExitStatus.USAGE) from error
    return _Chosen.settings


def send_request(
    method: str,
    *path: str,
    query: Sequence[tuple[str, str]] = (),
    body: Mapping[str, Any] | None = None,
    idempotency_key: str = "",
) -> Any:
    """Send a request to `path` under /v1, and return the JSON of the answer.

    Raises RequestError.
    """
    answer = fetch(method, "v1", *path, query=query, body=body, idempotency_key=idempotency_key)
    return answer.body


def fetch(
    method: str,
    *path: str,
    query: Sequence[tuple[str, str]] = (),
    body: Mapping[str, Any] | None = None,
    idempotency_key: str = "",
    timeout: float = TIMEOUT,
) -> Answer:
    """Send a request to `path`, and return the answer, whose body is an object of JSON.

    Raises RequestError.
    """
    settings = load_settings()
    answer = exchange(
        settings.url,
        method,
        format_target(settings.url, path, query),
        headers=_create_headers(settings, body, idempotency_key),
        body=None if body is None else json.dumps(body).encode(),
        timeout=timeout,
    )
    _check_answer(settings.address, answer)
    return answer


def list_all(path: str, name: str, filters: Sequence[tuple[str, str]] = ()) -> Iterator[Any]:
    """Yield the items in the member `name` of all pages, which are requested as needed. Raises
    RequestError."""
    token = ""
    while True:
        page = send_request(
            "GET", path, query=[*filters, ("page_size", MAX_PAGE_SIZE), ("page_token", token)]
        )
        yield from get_member(page, name)
        token = get_member(page, "next_page_token")
        if not token:
            return


def get_member(answer: Mapping[str, Any], name: str) -> Any:
    """Return the member of an answer. Raises NotPgvend if it is missing."""
    if not isinstance(answer, dict) or name not in answer:
        raise NotPgvend
    return answer[name]


def _create_headers(
    settings: ClientSettings, body: Mapping[str, Any] | None, idempotency_key: str
) -> dict[str, str]:
    headers = {"Accept": "application/json"}
    if settings.key:
        headers["Authorization"] = f"Bearer {settings.key.reveal()}"
    if body is not None:
        headers["Content-Type"] = "application/json"
    if idempotency_key:
        headers["Idempotency-Key"] = idempotency_key
    return headers


def _check_answer(address: str, answer: Answer) -> None:
    """Raises RequestError unless the request succeeded."""
    match answer.body:
        case {"code": "unauthenticated"} as problem:
            raise RequestError(
                f"{address} requires an API key: set PGVEND_KEY to a valid one.",
                ExitStatus.AUTHENTICATION,
                problem=problem,
            )
        case {"detail": str(detail), "request_id": request_id} as problem:
            raise RequestError(
                f"{detail} (request {request_id})",
                find_exit_status(answer.status, problem),
                problem=problem,
                retry_after=_parse_seconds(answer.headers.get("retry-after", "")),
            )
        case dict() if answer.status < 300:
            return
    if 300 <= answer.status < 400 and "location" in answer.headers:
        raise RequestError(
            f"The server at {address} redirects to {answer.headers['location']}: set PGVEND_URL to "
            "pgvend's own address.",
            ExitStatus.UNREACHABLE,
        )
    if answer.status in _GATEWAY_ERRORS:
        raise RequestError(
            f"The proxy at {address} cannot reach pgvend (HTTP {answer.status}): see whether "
            "pgvend runs.",
            ExitStatus.UNREACHABLE,
        )
    raise NotPgvend


def _parse_seconds(text: str) -> float:
    """Return the seconds of a Retry-After, 0 if it is missing or a date."""
    return float(text) if text.isascii() and text.isdigit() else 0
