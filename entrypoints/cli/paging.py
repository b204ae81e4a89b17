"""Lists that the service returns in pages."""

from collections.abc import Iterator, Sequence
from typing import Any

from entrypoints.cli.client import ask
from entrypoints.cli.printing import member

LARGEST_PAGE = "200"


def ask_all(path: str, name: str, filters: Sequence[tuple[str, str]] = ()) -> Iterator[Any]:
    """Yield the items in the member `name` of all pages, requested as needed. Raises AskError."""
    token = ""
    while True:
        page = ask(
            "GET", path, query=[*filters, ("page_size", LARGEST_PAGE), ("page_token", token)]
        )
        yield from member(page, name)
        token = member(page, "next_page_token")
        if not token:
            return
