"""The console over applications whose clock stands still unless a test moves it."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page

from tests.support.apps import RunningApp, running_app
from tests.support.console import Console, recording_console
from tests.support.keyed_clients import KeyedApp, running_keyed_app
from tests.support.standing_clock import StandingClock


@pytest.fixture
async def app() -> AsyncIterator[RunningApp]:
    async with running_app(clock=StandingClock()) as running:
        yield running


@pytest.fixture
async def guarded() -> AsyncIterator[KeyedApp]:
    """An application that requires keys."""
    async with running_keyed_app(clock=StandingClock()) as guarded:
        yield guarded


@pytest.fixture
async def console(page: Page) -> AsyncIterator[Console]:
    async with recording_console(page) as console:
        yield console
