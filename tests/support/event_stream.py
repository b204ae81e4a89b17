"""A reader of server-sent events that follows the rules of browsers."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientResponse

from tests.support.apps import RunningApp


@dataclass(frozen=True)
class Event:
    id: str
    name: str
    data: Any

    @property
    def step(self) -> tuple[str, str]:
        return self.data["name"], self.data["state"]


@dataclass(frozen=True)
class Stream:
    response: ClientResponse

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Yield the events until the stream ends, without comments."""
        fields: dict[str, str] = {}
        async for line in self.response.content:
            text = line.decode().removesuffix("\n")
            if not text and fields:
                yield Event(fields.get("id", ""), fields["event"], json.loads(fields["data"]))
                fields = {}
            elif not text.startswith(":"):
                name, _, value = text.partition(": ")
                fields |= {name: value} if name else {}

    async def read_first(self) -> Event:
        return await anext(aiter(self))

    async def read_all(self) -> list[Event]:
        return [event async for event in self]


def list_steps(events: Iterable[Event]) -> list[tuple[str, str]]:
    """Return the steps in the events, in order."""
    return [event.step for event in events if event.name == "step"]


@asynccontextmanager
async def open_stream(
    app: RunningApp, path: str, after: str | None = None
) -> AsyncIterator[Stream]:
    """Open the event stream of the database at that path, after the event `after`."""
    headers = {} if after is None else {"Last-Event-ID": after}
    async with app.client.get(f"{path}/events", headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        yield Stream(response)


async def read_events(app: RunningApp, path: str, after: str | None = None) -> list[Event]:
    async with open_stream(app, path, after) as stream:
        return await stream.read_all()


@asynccontextmanager
async def open_all_stream(app: RunningApp, key: str = "") -> AsyncIterator[Stream]:
    """Open the stream of the events of all databases that the key may see."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with app.client.get("/v1/events", headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        yield Stream(response)


@asynccontextmanager
async def watching_all(app: RunningApp, key: str = "") -> AsyncIterator[Stream]:
    """Open the same stream, and read its first event: later changes are in it."""
    async with open_all_stream(app, key) as stream:
        assert (await stream.read_first()).name == "ready"
        yield stream


async def read_records(stream: Stream, state: str) -> list[Any]:
    """Return the records in the events, up to the first record in that state."""
    records: list[Any] = []
    async for event in stream:
        assert event.name == "database"
        records.append(event.data)
        if event.data["state"] == state:
            return records
    raise AssertionError(f"the stream ended after {records}")
