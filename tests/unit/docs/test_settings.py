"""The settings that pages show as examples are valid."""

from io import StringIO

import pytest
from dotenv import dotenv_values

from entrypoints.config.settings import Settings
from tests.support.documents import PAGES, Block, list_blocks
from tests.support.service import REPOSITORY

EXAMPLES = [block for page in PAGES for block in list_blocks(page) if block.language == "dotenv"]

LEFT_OUT = (("napi_...", "napi_0123456789abcdef"), ("=...", f"={'k' * 40}"), (":...@", ":k@"))
"""What pages leave out, and what stands for it."""


def _name(block: Block) -> str:
    return f"{block.page.relative_to(REPOSITORY)}:{block.line}"


@pytest.mark.parametrize("block", EXAMPLES, ids=_name)
def test_the_settings_of_a_page_are_valid(block: Block) -> None:
    text = block.text
    for shown, value in LEFT_OUT:
        text = text.replace(shown, value)
    for line in text.splitlines():  # of several values of one setting, each
        Settings.model_validate({**_parse(text), **_parse(line)})


def _parse(text: str) -> dict[str, str | None]:
    return dotenv_values(stream=StringIO(text), interpolate=False)
