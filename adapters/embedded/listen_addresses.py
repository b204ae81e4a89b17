"""The addresses that the server listens on."""

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.hosts import is_loopback

LOOPBACK = ("127.0.0.1",)


@dataclass(frozen=True)
class ListenAddresses:
    """The port and the addresses that the server listens on."""

    port: int
    addresses: Sequence[str] = LOOPBACK

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return all(is_loopback(address) for address in self.addresses)


_ALL = "*"
"""PostgreSQL's notation for all addresses of the machine."""


def is_free(port: int, addresses: Iterable[str] = LOOPBACK) -> bool:
    """Return whether a server can listen on the port (0: on any port) of all addresses."""
    return all(_can_bind(address, port) for address in addresses)


def _can_bind(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL does
        try:
            probe.bind(("" if address == _ALL else address, port))
        except OSError:
            return False
    return True
