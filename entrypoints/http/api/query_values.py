"""Parsers of query parameters."""

import re

from aiohttp import web

from domain.errors import InvalidRequest

MAX_PAGE_SIZE = 200
DEFAULT_PAGE_SIZE = 50

MAX_COUNT = 999_999_999

_NUMBER = re.compile(r"[0-9]{1,9}")


def parse_flag(request: web.Request, name: str) -> bool:
    """Return a boolean parameter, False if it is absent. Raise InvalidRequest."""
    text = request.query.get(name, "false")
    if text not in {"true", "false"}:
        raise InvalidRequest(f"{name} must be true or false.")
    return text == "true"


def parse_count(request: web.Request) -> int:
    """Return the required parameter `count`. Raise InvalidRequest."""
    text = request.query.get("count", "")
    if not _NUMBER.fullmatch(text):
        raise InvalidRequest("Send count, the number of databases to delete, for example count=30.")
    return int(text)


def parse_page_size(request: web.Request) -> int:
    """Return the page size. Raise InvalidRequest."""
    text = request.query.get("page_size", str(DEFAULT_PAGE_SIZE))
    if not (_NUMBER.fullmatch(text) and 1 <= int(text) <= MAX_PAGE_SIZE):
        raise InvalidRequest(f"page_size must be a number from 1 to {MAX_PAGE_SIZE}.")
    return int(text)
