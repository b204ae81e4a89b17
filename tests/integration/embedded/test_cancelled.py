"""A start that is given up, at any moment."""

import asyncio
from pathlib import Path

import pytest

from tests.support.bundles import opened, until
from tests.support.service import servers_in

MOMENTS = [0.0, 0.01, 0.05, 0.2, 0.4, 0.8]
"""Seconds; where exactly in a start they fall depends on the machine, and matters to no test."""


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_first_start_given_up_leaves_nothing_in_the_way(
    new_folder: Path, moment: float
) -> None:
    await _given_up(new_folder, moment)
    async with opened(new_folder) as provider:
        await provider.ping()


async def test_a_later_start_given_up_leaves_nothing_in_the_way(folder: Path) -> None:
    async with opened(folder) as provider:
        port = provider.server.public_port
    for moment in MOMENTS:
        await _given_up(folder, moment)
    async with opened(folder) as provider:
        assert provider.server.public_port == port
        await provider.ping()


async def test_the_programs_of_an_interrupted_initdb_end_with_it(new_folder: Path) -> None:
    starting = asyncio.create_task(_open(new_folder))
    await until(lambda: servers_in(new_folder))
    starting.cancel()
    await asyncio.wait([starting])
    await until(lambda: not servers_in(new_folder))


async def _given_up(folder: Path, moment: float) -> None:
    starting = asyncio.create_task(_open(folder))
    await asyncio.wait([starting], timeout=moment)
    starting.cancel()
    await asyncio.wait([starting])
    if not starting.cancelled():
        starting.result()  # it had been faster
    await until(lambda: not servers_in(folder))


async def _open(folder: Path) -> None:
    async with opened(folder):
        pass
