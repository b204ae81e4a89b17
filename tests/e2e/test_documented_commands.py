"""Every command of README.md and the docs works, and prints what its page shows."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.document_shell import document_shell
from tests.support.documents import EXECUTABLE, OTHER, PAGES, WORKFLOWS, list_blocks, list_commands
from tests.support.servers import ram_folder
from tests.support.service import REPOSITORY, RunningService, running_service


def _name(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


@pytest.fixture(scope="module")
async def documented() -> AsyncIterator[RunningService]:
    """A service as the quickstart starts it, in which expired databases can be restored."""
    with ram_folder() as folder:
        settings = {"PGVEND_GRACE_PERIOD": "1h", "PGVEND_SPARES": ""}  # empty: the default
        async with running_service(folder / "data", **settings) as running:
            yield running


@pytest.mark.parametrize("page", [page for page in PAGES if list_commands(page)], ids=_name)
async def test_the_commands_of_a_page_work(
    page: Path, documented: RunningService, tmp_path: Path
) -> None:
    data = {"PGVEND_DATA_DIR": str(documented.data_dir)}
    async with document_shell(tmp_path, documented.url, data) as shell:
        for command in list_commands(page):
            await shell.execute(command)


async def test_the_start_prints_the_lines_that_the_readme_shows(
    documented: RunningService,
) -> None:
    start = next(block for block in list_blocks(REPOSITORY / "README.md") if block.reason)
    assert _titles(start.text) == _titles(documented.output())


def _titles(output: str) -> list[str]:
    """Return the titles of the lines below `pgvend serves`."""
    return re.findall(r"^  (\w[\w ]*?)  +\S", output, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_block_is_executed_or_says_why_not(page: Path) -> None:
    unknown = [
        block
        for block in list_blocks(page)
        if not block.reason and block.language not in EXECUTABLE | WORKFLOWS | OTHER
    ]
    assert not unknown


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_reasons_name_tests_that_exist(page: Path) -> None:
    named = [path for block in list_blocks(page) for path in re.findall(r"tests/\S+", block.reason)]
    assert not [path for path in named if not (REPOSITORY / path.rstrip(";,.")).exists()]
