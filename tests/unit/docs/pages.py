"""Documentation pages, and the parts of them that come from the code."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.support.service import REPOSITORY

DOCS = REPOSITORY / "docs"

UPDATE = "UPDATE_DOCS"
"""The environment variable with which the tests write these parts instead of comparing them."""

_CELL = re.compile(r"(?<!\\)\|")


def check_rows(page: Path, head: str, rows: Mapping[str, Sequence[str]]) -> None:
    """Check that the tables of `page` whose first column is `head` have one row for each of `rows`,
    which starts with its name and its cells. The other cells are written by hand, and stay."""
    lines = page.read_text().splitlines()
    names = list(_names(lines, head))
    assert sorted(filter(None, names)) == sorted(rows), f"add or remove rows of {page}"

    pairs = zip(lines, names, strict=True)
    expected = [_row(line, name, rows[name]) if name else line for line, name in pairs]
    _check(page, "\n".join(lines) + "\n", "\n".join(expected) + "\n")


def check_section(page: Path, section: str) -> None:
    """Check that `page` has `section` between its two markers."""
    text = page.read_text()
    begin, end = "<!-- generated: begin -->\n\n", "\n<!-- generated: end -->\n"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    _check(page, text, f"{before}{begin}{section}{end}{after}")


def cell(text: object) -> str:
    """Return the text as a table's cell."""
    return " ".join(str(text).split()).replace("|", "\\|")


def _check(page: Path, text: str, expected: str) -> None:
    if os.environ.get(UPDATE):
        page.write_text(expected)
        text = expected
    assert text == expected, f"run these tests with {UPDATE}=1"


def _names(lines: Iterable[str], head: str) -> Iterator[str | None]:
    """Return, for each line, the code in its first cell if it is a row of such a table."""
    is_inside = False
    for line in lines:
        is_inside = line.startswith("|") and (is_inside or line.startswith(f"| {head} |"))
        match = re.match(r"\| `([^`]+)` \|", line)
        yield match[1] if is_inside and match else None


def _row(line: str, name: str, cells: Sequence[str]) -> str:
    others = [part.strip() for part in _CELL.split(line)][len(cells) + 2 : -1]
    return "| " + " | ".join([f"`{name}`", *cells, *others]) + " |"
