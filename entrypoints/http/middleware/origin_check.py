"""Checks that keep foreign web pages out of a service without keys.

A visitor's browser may reach the service although the page's author cannot.
"""

import re
from collections.abc import Collection
from functools import lru_cache

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from domain.errors import Forbidden
from domain.hosts import is_loopback
from entrypoints.config.field_types import ANY_ORIGIN, is_origin
from entrypoints.http.api.problems import Misdirected

SAFE_METHODS = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
"""Methods that change nothing; browsers do not let foreign pages read their answers."""

_HOST = re.compile(r"(\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\s:/@\[\]]+))(:[0-9]*)?")


def require_local_host(host: str) -> Middleware:
    """Refuse requests whose Host is neither this machine nor `host`, the listening address.

    An attacker can point the name of a page at this machine (DNS rebinding); the browser then sends
    that name as `Host`.
    """

    @web.middleware
    async def check_host(request: web.Request, handler: Handler) -> web.StreamResponse:
        for name in request.headers.getall("Host", []):  # browsers always send one
            if not is_local(name, host):
                raise Misdirected
        return await handler(request)

    return check_host


def require_own_origin(origins: Collection[str]) -> Middleware:
    """Refuse changes from web pages, except those of `origins`, of this machine and of the service
    itself. Programs send no `Origin`."""
    are_all_allowed = ANY_ORIGIN in origins

    @web.middleware
    async def check_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method not in SAFE_METHODS and not are_all_allowed:
            for origin in request.headers.getall(hdrs.ORIGIN, []):
                if not _is_own_origin(origin.lower(), request.host.lower(), origins):
                    raise Forbidden(
                        "Web pages of this origin may not make changes: serve the page over HTTP "
                        "and add its origin to CORS_ALLOW_ORIGINS."
                    )
        return await handler(request)

    return check_origin


def _is_own_origin(origin: str, host: str, origins: Collection[str]) -> bool:
    """Return whether pages of the origin may make changes. `null` and the schemes of applications
    (`capacitor:`, `file:`) do not identify the author of a page, even if they name a host."""
    if origin in origins:
        return True
    place = origin.partition("://")[2]
    return is_origin(origin) and (place == host or is_local(place))


@lru_cache(maxsize=256)
def is_local(host: str, *others: str) -> bool:
    """Return whether a Host header names this machine or one of `others`."""
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = (match["v6"] or match["name"]).lower().removesuffix(".")
    return is_loopback(name) or name.endswith(".localhost") or name in others
