"""Check of exchanges against Neon's official API description, if a copy is available.

The description belongs to Neon, so the repository contains no copy. The tests read the file that
NEON_OPENAPI names, or else `*/specs/neon.openapi.json` next to or above the repository.
"""

import json
import os
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from openapi_core import OpenAPI
from openapi_core.validation.schemas.exceptions import InvalidSchemaValue

from entrypoints.neon_emulator.state.operations import UNKNOWN_STATUS
from tests.support.neon.description import Description, Operation, Schema
from tests.support.neon.exchanges import API, Exchange, OpenApiRequest, RecordedResponse

NEWER = frozenset({"role.authentication_method", "roles.authentication_method"})
"""Response fields of a newer description (Neon's of July 2026) that an older copy lacks."""

UNKNOWN_STATUS_ERROR = f"{UNKNOWN_STATUS!r} is not one of"
"""The error for the unknown status that the emulator reports for a fault."""


def find_description_file() -> Path | None:
    if named := os.environ.get("NEON_OPENAPI"):
        return Path(named)
    above = Path(__file__).resolve().parents
    around = (file for folder in above for file in folder.glob("*/specs/neon.openapi.json"))
    return next(around, None)


def create_checker() -> "ConformityChecker | None":
    """Return a new checker, or None without a description."""
    file = find_description_file()
    return ConformityChecker(*_read(file)) if file else None


@cache
def _read(file: Path) -> tuple[Description, OpenAPI, set[Hashable]]:
    """Read the description once per run: openapi-core needs a third of a second."""
    document: dict[str, Any] = json.loads(file.read_text())
    return Description(document), OpenAPI.from_dict(document), set()


@contextmanager
def conforming() -> Iterator[Sequence[Middleware]]:
    """Yield the middleware for an emulator; fail at the end if an exchange did not conform."""
    checker = create_checker()
    yield [checker.middleware()] if checker else []
    assert not (checker and checker.violations), "\n".join(sorted(set(checker.violations)))


class ConformityChecker:
    """Compares exchanges with the description and collects `violations`.

    A refused request may have any form; an accepted one must conform, as must every response. Of
    exchanges of one shape, one is compared: openapi-core needs 5 ms, half of these tests' time.
    """

    def __init__(
        self, description: Description, openapi: OpenAPI, conforming: set[Hashable]
    ) -> None:
        self.violations: list[str] = []
        self.seen: Counter[str] = Counter()
        """The count of each operation and status, such as `POST /projects 201`."""
        self._description = description
        self._openapi = openapi
        self._conforming = conforming

    def check(self, exchange: Exchange) -> None:
        operation = self._description.operation(exchange.method, exchange.path)
        path = operation.template if operation else exchange.path
        title = f"{exchange.method} {path} {exchange.response.status_code}"
        self.seen[title] += 1
        shape = (title, exchange.shape)
        if shape not in self._conforming:
            faults = [f"{title}: {fault}" for fault in self._find_violations(exchange, operation)]
            self.violations += faults
            self._conforming |= {shape} if not faults else set()

    def middleware(self) -> Middleware:
        """Return middleware that checks every API exchange; it must be the first of its list."""

        @web.middleware
        async def check_response(request: web.Request, handler: Handler) -> web.StreamResponse:
            response = await handler(request)
            if isinstance(response, web.Response) and _is_api_response(request, response):
                self.check(await _exchange_from(request, response))
            return response

        return check_response

    def _find_violations(self, exchange: Exchange, operation: Operation | None) -> Iterator[str]:
        if operation:
            if exchange.is_accepted:
                yield from self._find_request_violations(exchange, operation)
            yield from self._find_response_violations(exchange, operation)
        elif exchange.is_accepted:
            yield "the description has no such operation"
        else:  # errors look the same everywhere
            yield from self._find_violations(*self._as_project_list(exchange))

    def _as_project_list(self, exchange: Exchange) -> tuple[Exchange, Operation | None]:
        stand_in = replace(exchange, method="GET", path="/projects")
        return stand_in, self._description.operation("GET", "/projects")

    def _find_request_violations(self, exchange: Exchange, operation: Operation) -> Iterator[str]:
        for error in self._openapi.iter_request_errors(OpenApiRequest(exchange)):
            yield from (f"request: {reason}" for reason in _list_reasons(error))
        for name in sorted(exchange.query_names - operation.query):
            yield f"request: unknown query parameter {name}"
        for name in self._find_unknown_fields(operation.body, exchange.body):
            yield f"request: unknown field {name}"

    def _find_response_violations(self, exchange: Exchange, operation: Operation) -> Iterator[str]:
        response = exchange.response
        schema = operation.answer(response.status_code)
        for error in self._openapi.iter_response_errors(OpenApiRequest(exchange), response):
            wrong = (
                reason for reason in _list_reasons(error) if UNKNOWN_STATUS_ERROR not in reason
            )
            yield from (f"response: {reason}" for reason in wrong)
        if response.data and not schema:
            yield "response: a body that the description does not have"
        for name in self._find_unknown_fields(schema, response.data):
            if name not in NEWER:
                yield f"response: unknown field {name}"

    def _find_unknown_fields(self, schema: Schema, body: bytes) -> list[str]:
        try:
            value = json.loads(body)
        except ValueError:
            return []  # openapi-core reports it
        return sorted(set(self._description.unknown(schema, value)))


async def _exchange_from(request: web.Request, response: web.Response) -> Exchange:
    """Build an exchange; the body of a refused request may be too large to read."""
    body = response.body
    return Exchange(
        method=request.method,
        path=request.rel_url.raw_path.removeprefix(API),
        query=request.rel_url.raw_query_string,
        headers=request.headers,
        body=await request.read() if response.status < 400 else b"",
        response=RecordedResponse(
            status_code=response.status,
            data=bytes(body) if isinstance(body, bytes | bytearray) else b"",
            content_type=response.content_type,
            headers=response.headers,
        ),
    )


def _is_api_response(request: web.Request, response: web.Response) -> bool:
    """Return whether Neon itself would send the response, and not a gateway or a broken network."""
    is_missing = request.transport is None or request.transport.is_closing()
    is_a_gateways = response.status == 524
    return request.path.startswith(f"{API}/") and not (
        is_missing or is_a_gateways or _is_cut(response)
    )


def _is_cut(response: web.Response) -> bool:
    """Return whether the JSON of a response is truncated."""
    try:
        json.loads(response.text or "null")
    except ValueError:
        return response.status < 300
    return False


def _list_reasons(error: BaseException) -> Iterator[str]:
    """Return the causes of an error; openapi-core's own messages contain the whole body."""
    if isinstance(error, InvalidSchemaValue):
        for wrong in error.schema_errors:
            yield f"{getattr(wrong, 'json_path', '')} {getattr(wrong, 'message', wrong)}"
    elif error.__cause__:
        yield from (
            f"{type(error).__name__}: {reason}" for reason in _list_reasons(error.__cause__)
        )
    else:
        yield str(error) or type(error).__name__
