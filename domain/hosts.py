"""Host names and addresses."""

from collections.abc import Sequence
from ipaddress import ip_address

_WILDCARDS = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to be read, not bound
"""Wildcard listen addresses, and the address by which the machine itself connects to them."""


def find_local_host(listen: Sequence[str]) -> str:
    """Return the host by which this machine connects to a server that listens on `listen`."""
    local = [address for address in listen if address in _WILDCARDS or is_loopback(address)]
    first = (local or listen)[0]
    return _WILDCARDS.get(first, first)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can connect to the host."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
