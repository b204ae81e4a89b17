"""The caller of a request."""

from aiohttp import web

from domain.callers import Caller
from entrypoints.http.api.context import ADMITTED


def caller_of(request: web.Request) -> Caller:
    """Return the authenticated caller."""
    return request[ADMITTED].caller
