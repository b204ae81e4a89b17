"""Parsers of query parameters."""

import re

from aiohttp import web

from domain.errors import InvalidRequest
from entrypoints.http.api.routes.parameters import LARGEST_PAGE, USUAL_PAGE

_NUMBER = re.compile(r"[0-9]{1,9}")


def flag(request: web.Request, name: str) -> bool:
    """Return a boolean parameter, False if it is absent. Raise InvalidRequest."""
    text = request.query.get(name, "false")
    if text not in {"true", "false"}:
        raise InvalidRequest(f"{name} must be true or false.")
    return text == "true"


def page_size(request: web.Request) -> int:
    """Return the page size. Raise InvalidRequest."""
    text = request.query.get("page_size", str(USUAL_PAGE))
    if not (_NUMBER.fullmatch(text) and 1 <= int(text) <= LARGEST_PAGE):
        raise InvalidRequest(f"page_size must be a number from 1 to {LARGEST_PAGE}.")
    return int(text)
