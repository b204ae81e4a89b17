"""Links between the pages lead somewhere, and every page can be reached."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.service import REPOSITORY
from tests.unit.docs.pages import DOCS

README = REPOSITORY / "README.md"
PAGES = (*sorted(REPOSITORY.glob("*.md")), *sorted(DOCS.rglob("*.md")))

PRODUCT = ("domain", "ports", "adapters", "entrypoints")
FOLDERS = (*PRODUCT, "tests", "docs", "deploy", "requirements")

LONGEST_README = 120

_LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
_PICTURE = re.compile(r"\bsrc(?:set)?=\"([^\"]+)\"")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_PATH = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)`")


def _name(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = [link for link in _links(page) if not _exists(page, link)]
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_path_in_the_text_is_one_of_the_repository(page: Path) -> None:
    broken = [path for path in _PATH.findall(page.read_text()) if not (REPOSITORY / path).exists()]
    assert not broken


def test_links_lead_from_the_readme_to_every_page_of_the_docs() -> None:
    reached, open_pages = {README}, [README]
    while open_pages:
        found = set(_linked_pages(open_pages.pop())) - reached
        reached |= found
        open_pages += found
    assert not set(DOCS.rglob("*.md")) - reached


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= LONGEST_README


def _links(page: Path) -> list[str]:
    """Return the targets of the page's links to other pages, and its pictures."""
    text = _FENCE.sub("", page.read_text())
    found = [*_LINK.findall(text), *_PICTURE.findall(text)]
    return [link for link in found if "://" not in link]


def _linked_pages(page: Path) -> list[Path]:
    files = [link.partition("#")[0] for link in _links(page)]
    return [(page.parent / file).resolve() for file in files if file.endswith(".md")]


def _exists(page: Path, link: str) -> bool:
    file, _, anchor = link.partition("#")
    target = (page.parent / file).resolve() if file else page
    return target.exists() and (not anchor or anchor in _anchors(target))


@cache
def _anchors(page: Path) -> set[str]:
    """Return the names by which GitHub links to the page's headings."""
    headings = _HEADING.findall(_FENCE.sub("", page.read_text()))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_messages_name_pages_that_exist() -> None:
    files = [path for folder in PRODUCT for path in (REPOSITORY / folder).rglob("*.py")]
    named = {page for file in files for page in re.findall(r"\bdocs/[\w/-]+\.md", file.read_text())}
    assert not [page for page in named if not (REPOSITORY / page).is_file()]
