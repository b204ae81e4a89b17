"""What callers may ask for behind the question mark."""

import re

from aiohttp import web

from domain.errors import InvalidRequest
from entrypoints.http.parameters import LARGEST_PAGE, USUAL_PAGE

_NUMBER = re.compile(r"[0-9]{1,9}")


def flag(request: web.Request, name: str) -> bool:
    """Whether that parameter is `true`; without it, False. Raises InvalidRequest."""
    text = request.query.get(name, "false")
    if text not in {"true", "false"}:
        raise InvalidRequest(f"{name} is true or false.")
    return text == "true"


def page_size(request: web.Request) -> int:
    """Raises InvalidRequest."""
    text = request.query.get("page_size", str(USUAL_PAGE))
    if not (_NUMBER.fullmatch(text) and 1 <= int(text) <= LARGEST_PAGE):
        raise InvalidRequest(f"page_size is a number from 1 to {LARGEST_PAGE}.")
    return int(text)
