"""Lists that the service returns in pages."""

from collections.abc import Iterator, Sequence
from typing import Any

from entrypoints.cli.client import send_request
from entrypoints.cli.printing import get_member

MAX_PAGE_SIZE = "200"


def list_all(path: str, name: str, filters: Sequence[tuple[str, str]] = ()) -> Iterator[Any]:
    """Yield the items in the member `name` of all pages, requested as needed. Raises AskError."""
    token = ""
    while True:
        page = send_request(
            "GET", path, query=[*filters, ("page_size", MAX_PAGE_SIZE), ("page_token", token)]
        )
        yield from get_member(page, name)
        token = get_member(page, "next_page_token")
        if not token:
            return
