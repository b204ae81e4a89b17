"""Services with spares, and their levels as an admin sees them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.ids import created_at_from_id
from tests.support.apps import RunningApp, running_app
from tests.support.polling import wait_until
from tests.support.provision_requests import unique_name
from tests.support.service import RunningService
from tests.support.service_client import PATH, request_json
from tests.support.slow_clock import SlowClock

SPARES = "/v1/spares"


@asynccontextmanager
async def pooled_app(number: int = 2, **options: Any) -> AsyncIterator[RunningApp]:
    """Run an application, and yield when it has that number of spares."""
    counts = {"default": number}
    async with running_app(clock=SlowClock(), spare_counts=counts, **options) as app:
        await wait_until_filled(app)
        yield app


async def wait_until_filled(app: RunningApp) -> None:
    async def is_full() -> bool:
        levels = (await app.get(SPARES))["spares"]
        return all(level["ready"] == level["wanted"] for level in levels)

    await wait_until(is_full)


async def list_spare_ids(app: RunningApp) -> set[str]:
    """Return the ids of the spares on the provider."""
    return {item.id for item in await app.provider.inventory() if item.is_spare}


async def wait_until_service_is_filled(service: RunningService) -> list[Any]:
    """Wait until a service in a process of its own has all its spares, and return the levels."""

    async def is_full() -> bool:
        levels = (await request_json(service, "GET", SPARES))["spares"]
        return all(level["ready"] == level["wanted"] for level in levels)

    await wait_until(is_full)
    return list((await request_json(service, "GET", SPARES))["spares"])


async def create_claimed_database(service: RunningService, **options: Any) -> Any:
    """Create a database, and check that it was a spare before: its id is older."""
    began_at = datetime.now(UTC) - timedelta(milliseconds=1)
    body = {"nickname": unique_name(), **options}
    database = await request_json(service, "POST", PATH, body)
    assert created_at_from_id(database["id"]) < began_at
    return database
