"""The caller of a request."""

from aiohttp import web

from domain.callers import Caller
from entrypoints.http.api.context import AUTHENTICATED


def get_caller(request: web.Request) -> Caller:
    """Return the authenticated caller."""
    return request[AUTHENTICATED].caller
