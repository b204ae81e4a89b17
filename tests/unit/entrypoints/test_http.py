"""Parts of the HTTP API: the limit of streams, body timeouts, and connections as JSON."""

import asyncio
import json
from contextlib import ExitStack
from dataclasses import replace
from typing import cast

import pytest
from aiohttp import web

from domain.callers import ANYONE, Caller
from domain.connection import Connection
from domain.errors import Unavailable
from domain.secrets import Secret
from entrypoints.http.api.json_bodies import body_as, json_response
from entrypoints.http.api.problems import SlowBody
from entrypoints.http.api.schemas.connections import ConnectionResponse
from entrypoints.http.api.schemas.databases import CreateDatabaseRequest
from entrypoints.http.api.stream_limiter import MOST, MOST_OF_ONE, Streams
from tests.support.people import person

ANN, BOB = person("ann", key="pgv_a"), person("bob", key="pgv_b")
MANY = [person(str(number), key="pgv_x") for number in range(MOST)]

DIRECT = Connection(host="db.example", port=5432, database="x", user="u", password=Secret("p"))
MEMBERS = {"host", "port", "database", "user", "password", "sslmode", "connection_limit", "uri"}


class SilentRequest:
    """A request whose body never arrives."""

    content_type = "application/json"

    async def read(self) -> bytes:
        await asyncio.Event().wait()
        return b""


@pytest.mark.parametrize(
    ("listening", "refused"),
    [([ANN] * MOST_OF_ONE, ANN), (MANY, BOB), ([ANYONE] * MOST, ANYONE)],
    ids=["one caller", "many callers", "anyone"],
)
def test_streams_are_limited_in_total_and_per_caller(
    listening: list[Caller], refused: Caller
) -> None:
    streams = Streams()
    with ExitStack() as stack:
        for caller in listening:
            stack.enter_context(streams.one_of(caller))

        with pytest.raises(Unavailable), streams.one_of(refused):
            pass
        if len(listening) < MOST:
            stack.enter_context(streams.one_of(BOB))


def test_a_slot_is_released_after_an_error() -> None:
    streams = Streams()
    for _ in range(MOST + 1):
        with pytest.raises(ConnectionError), streams.one_of(ANN):
            raise ConnectionError


async def test_a_body_that_does_not_arrive_times_out() -> None:
    with pytest.raises(SlowBody):
        await body_as(CreateDatabaseRequest, cast("web.Request", SilentRequest()), patience=0)


def test_a_pooler_is_shown_if_there_is_one() -> None:
    pooled = replace(DIRECT, pooler_host="pooler.example")
    assert told(DIRECT).keys() == MEMBERS
    assert told(pooled) == told(DIRECT) | {"pooler_host": "pooler.example"}


def told(connection: Connection) -> dict[str, object]:
    return dict(json.loads(json_response(ConnectionResponse.of(connection)).text or ""))
