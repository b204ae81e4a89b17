"""Hosts, by their names."""

from collections.abc import Sequence
from ipaddress import ip_address

_ALL = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to be read, not bound
"""Every address of a machine, as servers write it, and the one by which the machine reaches it."""


def reached_at(listen: Sequence[str]) -> str:
    """Return the host by which this machine reaches a server that listens on those addresses."""
    local = [address for address in listen if address in _ALL or is_loopback(address)]
    first = (local or listen)[0]
    return _ALL.get(first, first)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
