"""Whether exchanges keep to Neon's official description of its API, where a copy is at hand.

The description is Neon's and not ours to hand on, so the repository holds no copy. The tests take
the file that NEON_OPENAPI names, else a `*/specs/neon.openapi.json` beside or above the repository.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from openapi_core import OpenAPI
from openapi_core.validation.schemas.exceptions import InvalidSchemaValue

from entrypoints.neon_emulator.operations import STRANGE_STATUS
from tests.support.neon.description import Description, Operation, Schema
from tests.support.neon.exchange import API, Asked, Exchange, exchanged

NEWER = frozenset({"role.authentication_method", "roles.authentication_method"})
"""Fields of answers that a later description has (Neon's own of July 2026), and this one lacks."""

MADE_UP = f"{STRANGE_STATUS!r} is not one of"
"""The emulator's status that no client knows: a fault that tests ask for."""


def description_file() -> Path | None:
    if named := os.environ.get("NEON_OPENAPI"):
        return Path(named)
    above = Path(__file__).resolve().parents
    around = (file for folder in above for file in folder.glob("*/specs/neon.openapi.json"))
    return next(around, None)


def conformity() -> "Conformity | None":
    """A new one, or None where there is no description."""
    file = description_file()
    return Conformity(*_read(file)) if file else None


@cache
def _read(file: Path) -> tuple[Description, OpenAPI]:
    """Once per run: openapi-core takes a third of a second for it."""
    document: dict[str, Any] = json.loads(file.read_text())
    return Description(document), OpenAPI.from_dict(document)


@contextmanager
def conforming() -> Iterator[Sequence[Middleware]]:
    """What an emulator's API is to be served with; what went wrong meanwhile is told at the end."""
    checked = conformity()
    yield [checked.middleware()] if checked else []
    assert not (checked and checked.violations), "\n".join(sorted(set(checked.violations)))


class Conformity:
    """Holds exchanges against the description, and says what is wrong in `violations`.

    A request that is refused may be anything; one that is accepted must conform, as must every
    answer.
    """

    def __init__(self, description: Description, openapi: OpenAPI) -> None:
        self.violations: list[str] = []
        self.seen: Counter[str] = Counter()
        """How often each operation had each answer: `POST /projects 201`."""
        self._description = description
        self._openapi = openapi

    def check(self, exchange: Exchange) -> None:
        operation = self._description.operation(exchange.method, exchange.path)
        path = operation.template if operation else exchange.path
        title = f"{exchange.method} {path} {exchange.answer.status_code}"
        self.seen[title] += 1
        self.violations += [f"{title}: {fault}" for fault in self._faults(exchange, operation)]

    def middleware(self) -> Middleware:
        """Checks every exchange of an emulator's API; for the front of its list."""

        @web.middleware
        async def checked(request: web.Request, handler: Handler) -> web.StreamResponse:
            answer = await handler(request)
            if isinstance(answer, web.Response) and _is_the_apis(request, answer):
                self.check(await exchanged(request, answer))
            return answer

        return checked

    def _faults(self, exchange: Exchange, operation: Operation | None) -> Iterator[str]:
        if operation:
            if exchange.accepted:
                yield from self._faults_of_request(exchange, operation)
            yield from self._faults_of_answer(exchange, operation)
        elif exchange.accepted:
            yield "the description has no such operation"
        else:  # errors look the same everywhere
            yield from self._faults(*self._refused_list(exchange))

    def _refused_list(self, exchange: Exchange) -> tuple[Exchange, Operation | None]:
        stand_in = replace(exchange, method="GET", path="/projects")
        return stand_in, self._description.operation("GET", "/projects")

    def _faults_of_request(self, exchange: Exchange, operation: Operation) -> Iterator[str]:
        for error in self._openapi.iter_request_errors(Asked(exchange)):
            yield from (f"request: {reason}" for reason in _reasons(error))
        for name in sorted(exchange.query_names - operation.query):
            yield f"request: unknown query parameter {name}"
        for field in self._unknown(operation.body, exchange.body):
            yield f"request: unknown field {field}"

    def _faults_of_answer(self, exchange: Exchange, operation: Operation) -> Iterator[str]:
        answer = exchange.answer
        schema = operation.answer(answer.status_code)
        for error in self._openapi.iter_response_errors(Asked(exchange), answer):
            wrong = (reason for reason in _reasons(error) if MADE_UP not in reason)
            yield from (f"answer: {reason}" for reason in wrong)
        if answer.data and not schema:
            yield "answer: a body where none is described"
        for field in self._unknown(schema, answer.data):
            if field not in NEWER:
                yield f"answer: unknown field {field}"

    def _unknown(self, schema: Schema, body: bytes) -> list[str]:
        try:
            value = json.loads(body)
        except ValueError:
            return []  # openapi-core has said so
        return sorted(set(self._description.unknown(schema, value)))


def _is_the_apis(request: web.Request, answer: web.Response) -> bool:
    """Not so of faults that stand in for what lies between Neon and its callers."""
    is_lost = request.transport is None or request.transport.is_closing()
    is_a_gateways = answer.status == 524
    return request.path.startswith(f"{API}/") and not (is_lost or is_a_gateways or _is_cut(answer))


def _is_cut(answer: web.Response) -> bool:
    """An answer's JSON of which half is missing."""
    try:
        json.loads(answer.text or "null")
    except ValueError:
        return answer.status < 300
    return False


def _reasons(error: BaseException) -> Iterator[str]:
    """The sentences behind an error: openapi-core's own hold the whole body."""
    if isinstance(error, InvalidSchemaValue):
        for wrong in error.schema_errors:
            yield f"{getattr(wrong, 'json_path', '')} {getattr(wrong, 'message', wrong)}"
    elif error.__cause__:
        yield from (f"{type(error).__name__}: {reason}" for reason in _reasons(error.__cause__))
    else:
        yield str(error) or type(error).__name__
