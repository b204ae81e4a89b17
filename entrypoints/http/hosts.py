"""What keeps other people's web pages out of a service without keys, which their visitors can reach
and they cannot."""

import re
from collections.abc import Collection
from functools import lru_cache

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from domain.errors import Forbidden
from domain.hosts import is_loopback
from entrypoints.http.errors import Misdirected
from entrypoints.setting_types import ANY_ORIGIN, is_origin

READING = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
"""Methods that change nothing; a browser lets no other page read their answers."""

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
    """Refuse what changes something and comes from a web page, unless the page is one of these
    `origins`, of this machine, or of the service itself. Programs send no `Origin`."""
    are_all_allowed = ANY_ORIGIN in origins

    @web.middleware
    async def own(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method not in READING and not are_all_allowed:
            for origin in request.headers.getall(hdrs.ORIGIN, []):
                if not _is_own(origin.lower(), request.host.lower(), origins):
                    raise Forbidden(
                        "Web pages of this origin may not change anything here: serve the page by "
                        "HTTP, and add its origin to CORS_ALLOW_ORIGINS."
                    )
        return await handler(request)

    return own


def _is_own(origin: str, host: str, origins: Collection[str]) -> bool:
    """Tell whether a page may ask. `null` and the schemes of applications (`capacitor:`, `file:`)
    say nothing about who wrote the page, whatever host they name."""
    if origin in origins:
        return True
    place = origin.partition("://")[2]
    return is_origin(origin) and (place == host or is_local(place))


@lru_cache(maxsize=256)
def is_local(named: str, *others: str) -> bool:
    """Whether a Host header names this machine, or one of the `others`."""
    match = _HOST.fullmatch(named)
    if match is None:
        return False
    name = (match["v6"] or match["name"]).lower().removesuffix(".")
    return is_loopback(name) or name.endswith(".localhost") or name in others
