"""The caller of a request."""

from aiohttp import web

from domain.caller import Caller
from entrypoints.http.keys import ADMITTED


def caller_of(request: web.Request) -> Caller:
    """Return the authenticated caller."""
    return request[ADMITTED].caller
