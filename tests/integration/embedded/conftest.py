"""Data folders: new ones, and copies of one in which the bundled server ran."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from adapters.postgres.provider import PostgresProvider
from tests.support.embedded_servers import data_folder_in, open_server
from tests.support.servers import copy_data, ram_folder


@pytest.fixture(params=["bundled_16", "bundled_18"])
def provider(request: pytest.FixtureRequest) -> PostgresProvider:
    return cast("PostgresProvider", request.getfixturevalue(request.param))


@pytest.fixture
def new_folder() -> Iterator[Path]:
    with ram_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
async def data_of_18() -> AsyncIterator[Path]:
    with ram_folder() as folder:
        async with open_server(folder):
            pass
        yield data_folder_in(folder)


@pytest.fixture
def copy_used_data(data_of_18: Path) -> Callable[[Path], Path]:
    """Copy the data of an earlier start to a folder, which saves the time of initdb."""

    def use(folder: Path) -> Path:
        (folder / "embedded").mkdir(mode=0o700, parents=True)
        copy_data(data_of_18, data_folder_in(folder))
        return folder

    return use


@pytest.fixture
def folder(new_folder: Path, copy_used_data: Callable[[Path], Path]) -> Path:
    return copy_used_data(new_folder)
