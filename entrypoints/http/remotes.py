"""Who asks, and by which scheme: what proxies say is believed of those that the operator trusts."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from entrypoints.http.keys import ADDRESS, IS_SECURE
from entrypoints.network_settings import Network

FORWARDED_FOR = "X-Forwarded-For"
FORWARDED_PROTO = "X-Forwarded-Proto"

Address = IPv4Address | IPv6Address

_BARE = re.compile(r"\[(?P<v6>[^\[\]]*)\](:[0-9]*)?|(?P<v4>[0-9.]+):[0-9]*")
"""An address in brackets, or before a port, as some proxies write it."""


def addressed(trusted: Sequence[Network]) -> Middleware:
    """Give every request its caller's address, and whether it came by TLS."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        peer = address_of(request.remote or "")  # of a caller that has hung up already: none
        is_proxy = _is_among(trusted, peer)
        caller = _caller(peer, _hops(request), trusted) if is_proxy else peer
        request[ADDRESS] = str(caller or "")
        request[IS_SECURE] = request.secure or (is_proxy and _said_scheme(request) == "https")
        return await handler(request)

    return middleware


@lru_cache(maxsize=1024)
def address_of(text: str) -> Address | None:
    """The address as it is known everywhere: an IPv4 one is that also inside an IPv6 one, and none
    has a zone. None where the text is no address."""
    match = _BARE.fullmatch(text.strip())
    bare = (match["v6"] or match["v4"] or "") if match else text.strip()
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _caller(
    peer: Address | None, hops: Iterable[str], trusted: Sequence[Network]
) -> Address | None:
    """Past every trusted proxy to whom it saw; what is no address ends the way there."""
    caller = peer
    for hop in hops:
        seen = address_of(hop) if _is_among(trusted, caller) else None
        if seen is None:
            break
        caller = seen
    return caller


def _is_among(networks: Sequence[Network], address: Address | None) -> bool:
    return address is not None and any(address in network for network in networks)


def _hops(request: web.Request) -> Iterable[str]:
    """Whom the proxies say they saw, the nearest proxy's word first."""
    return reversed(",".join(request.headers.getall(FORWARDED_FOR, [])).split(","))


def _said_scheme(request: web.Request) -> str:
    """The nearest proxy's word."""
    said = request.headers.getall(FORWARDED_PROTO, [""])[-1]
    return said.rpartition(",")[2].strip().lower()
