"""The caller's address and scheme, as reported by trusted proxies."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from entrypoints.config.network import Network
from entrypoints.http.api.context import CLIENT_ADDRESS, IS_SECURE

FORWARDED_FOR = "X-Forwarded-For"
FORWARDED_PROTO = "X-Forwarded-Proto"

Address = IPv4Address | IPv6Address

_BARE = re.compile(r"\[(?P<v6>[^\[\]]*)\](:[0-9]*)?|(?P<v4>[0-9.]+):[0-9]*")
"""An address in brackets or with a port, as some proxies write it."""


def resolve_client_address(trusted: Sequence[Network]) -> Middleware:
    """Store the caller's address, and whether it uses TLS, in every request."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        peer = parse_address(request.remote or "")  # empty if the caller disconnected
        is_proxy = _is_among(trusted, peer)
        client = _find_client(peer, _parse_hops(request), trusted) if is_proxy else peer
        request[CLIENT_ADDRESS] = str(client or "")
        request[IS_SECURE] = request.secure or (
            is_proxy and _parse_forwarded_scheme(request) == "https"
        )
        return await handler(request)

    return middleware


@lru_cache(maxsize=1024)
def parse_address(text: str) -> Address | None:
    """Return the address in one form: IPv4-mapped addresses as IPv4, zones removed. None if the
    text is not an address."""
    match = _BARE.fullmatch(text.strip())
    bare = (match["v6"] or match["v4"] or "") if match else text.strip()
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _find_client(
    peer: Address | None, hops: Iterable[str], trusted: Sequence[Network]
) -> Address | None:
    """Return the first address that is not a trusted proxy; a malformed one ends the search."""
    client = peer
    for hop in hops:
        address = parse_address(hop) if _is_among(trusted, client) else None
        if address is None:
            break
        client = address
    return client


def _is_among(networks: Sequence[Network], address: Address | None) -> bool:
    return address is not None and any(address in network for network in networks)


def _parse_hops(request: web.Request) -> Iterable[str]:
    """Return the addresses in X-Forwarded-For, the nearest proxy's entry first."""
    return reversed(",".join(request.headers.getall(FORWARDED_FOR, [])).split(","))


def _parse_forwarded_scheme(request: web.Request) -> str:
    """Return the scheme that the nearest proxy reports."""
    schemes = request.headers.getall(FORWARDED_PROTO, [""])[-1]
    return schemes.rpartition(",")[2].strip().lower()
