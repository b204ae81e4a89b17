"""An application for every test; one real service and one browser for all tests."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, nullcontext

import pytest
from playwright.async_api import Browser, Page

from adapters.registry.stores import Stores
from entrypoints.wiring.resources import create_memory_stores
from tests.support.apps import RunningApp, running_app
from tests.support.browser import open_browser, open_page
from tests.support.keyed_clients import KeyedApp, running_keyed_app
from tests.support.registries import stores_in_postgres, stores_in_sqlite
from tests.support.servers import ram_folder
from tests.support.service import RunningService, running_service


@pytest.fixture
async def app() -> AsyncIterator[RunningApp]:
    async with running_app() as running:
        yield running


@pytest.fixture
async def guarded() -> AsyncIterator[KeyedApp]:
    """An application that requires keys."""
    async with running_keyed_app() as guarded:
        yield guarded


@pytest.fixture(params=["memory", "sqlite", "server_15", "server_18"])
def records(request: pytest.FixtureRequest) -> AbstractAsyncContextManager[Stores]:
    if request.param == "memory":
        return nullcontext(create_memory_stores())
    if request.param == "sqlite":
        return stores_in_sqlite()
    return stores_in_postgres(request.getfixturevalue(request.param))


@pytest.fixture(scope="session")
async def service() -> AsyncIterator[RunningService]:
    """A service over the bundled PostgreSQL with its default spares and debug logs."""
    with ram_folder() as folder:
        settings = {"PGVEND_LOG_LEVEL": "debug", "PGVEND_SPARES": ""}  # empty: the default
        async with running_service(folder / "data", **settings) as running:
            yield running


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as browser:
        yield browser


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with open_page(browser) as page:
        yield page
