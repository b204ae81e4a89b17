"""Receivers of webhooks: the addresses that this service connects to for its callers.

A caller chooses the URL, but the request comes from this machine: without this check it could reach
what only this machine may reach (server-side request forgery).
"""

from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_IPV6_UNICAST = ip_network("2000::/3")
"""The part of IPv6 that is assigned to the Internet. Outside of it are loopback, link-local, unique
local and multicast addresses, IPv4 addresses in IPv6 notation (::ffff:0:0/96) and those that
a gateway translates (NAT64, 64:ff9b::/96)."""

_SPECIAL = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, where clouds serve credentials
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # protocol assignments, and tunnels to IPv4 (Teredo)
        "2001:db8::/32",  # documentation
        "2002::/16",  # tunnels to IPv4 (6to4)
        "3fff::/20",  # documentation
    )
)
"""Networks that IANA's registries of special-purpose addresses keep from the Internet."""


@dataclass(frozen=True, slots=True)
class ReceiverPolicy:
    """Public addresses are permitted, by encrypted connections. In the networks `allowed`, all
    addresses are, by plain connections too."""

    allowed: tuple[Network, ...] = ()

    def permits(self, address: str, *, is_encrypted: bool) -> bool:
        """Return whether to connect to the address. A text that is not an address is refused."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.allowed) or (
            is_encrypted and is_public(parsed)
        )


def is_public(address: Address) -> bool:
    """Return whether the address is one of the Internet's, and of one receiver."""
    is_unicast = address.version == 4 or address in _IPV6_UNICAST
    return is_unicast and not any(address in network for network in _SPECIAL)
