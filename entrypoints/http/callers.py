"""Who asks."""

from aiohttp import web

from domain.caller import Caller
from entrypoints.http.keys import ADMITTED


def caller_of(request: web.Request) -> Caller:
    """Whoever was let in."""
    return request[ADMITTED].caller
