"""Connections to receivers: only to addresses that the policy permits."""

import socket
import ssl
from collections.abc import Callable
from errno import EACCES
from typing import Any

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver

from domain.receivers import ReceiverPolicy

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]


class RefusedAddressError(OSError):
    """The policy does not permit the address."""

    def __init__(self) -> None:
        super().__init__(EACCES, "refused by the policy")


def create_connector(
    policy: ReceiverPolicy,
    resolver: AbstractResolver,
    tls: ssl.SSLContext | bool,
    *,
    is_encrypted: bool,
) -> TCPConnector:
    """Return a connector for one request.

    The address is checked when its socket is opened. Nothing looks the name up after that, so that
    a name server cannot return another address to the connection than to the check.
    """
    return TCPConnector(
        resolver=resolver,
        use_dns_cache=False,
        ssl=tls,
        socket_factory=_create_socket_factory(policy, is_encrypted=is_encrypted),
        force_close=True,
    )


def _create_socket_factory(
    policy: ReceiverPolicy, *, is_encrypted: bool
) -> Callable[[AddressInfo], socket.socket]:
    def open_socket(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        if not policy.permits(str(address[0]), is_encrypted=is_encrypted):
            raise RefusedAddressError
        return socket.socket(family, kind, protocol)

    return open_socket
