"""What keeps other people's web pages out of a service without keys, which their visitors can reach
and they cannot."""

import re
from collections.abc import Collection
from functools import lru_cache

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from domain.errors import Forbidden
from domain.hosts import is_loopback
from entrypoints.http.errors import Misdirected
from entrypoints.setting_types import ANY_ORIGIN

_HOST = re.compile(r"(\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\s:/@\[\]]+))(:[0-9]*)?")


def only_local(host: str) -> Middleware:
    """By names of this machine, or by `host`, which it listens by: an attacker's page can make its
    own name lead here (DNS rebinding), and `Host` says the name that the browser knows."""

    @web.middleware
    async def local(request: web.Request, handler: Handler) -> web.StreamResponse:
        for named in request.headers.getall("Host", []):  # without one, it is no browser
            if not is_local(named, host):
                raise Misdirected
        return await handler(request)

    return local


def only_own_pages(origins: Collection[str]) -> Middleware:
    """What browsers send to other origins without asking them first, a POST without JSON, has to
    come from a page of these `origins`, of this machine, or of the service itself."""

    @web.middleware
    async def own(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        unasked = request.method == "POST" and request.content_type != "application/json"
        if unasked and origin and not {origin.lower(), ANY_ORIGIN} & set(origins):
            place = origin.partition("://")[2]
            if not (place == request.host or is_local(place)):
                raise Forbidden(
                    "Web pages of this origin may not ask: add it to CORS_ALLOW_ORIGINS."
                )
        return await handler(request)

    return own


@lru_cache(maxsize=256)
def is_local(named: str, *others: str) -> bool:
    """Whether a Host header names this machine, or one of the `others`."""
    match = _HOST.fullmatch(named)
    if match is None:
        return False
    name = (match["v6"] or match["name"]).lower().removesuffix(".")
    return is_loopback(name) or name.endswith(".localhost") or name in others
