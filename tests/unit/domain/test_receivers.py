"""The addresses of receivers that this service connects to."""

from ipaddress import ip_network

import pytest

from domain.receivers import ReceiverPolicy

PUBLIC = ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"]

SPECIAL = {
    "this host": ["0.0.0.0", "0.1.2.3", "::"],
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1", "fc00::1"],
    "carriers": ["100.64.0.1", "100.127.255.255"],
    "link-local": ["169.254.169.254", "fe80::1", "fe80::1%eth0"],
    "site-local": ["fec0::1"],
    "multicast and broadcast": ["224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1"],
    "reserved": ["240.0.0.1", "192.0.0.8", "198.18.0.1", "198.19.255.255", "100::1", "5f00::1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1"],
    "tunnels": ["2002:7f00:1::1", "2001:0:1234::1", "192.88.99.1"],
    "not addresses": ["", "localhost", "127.1", "0x7f000001", "2130706433", "127.0.0.1 "],
}


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_permitted_if_the_connection_is_encrypted(address: str) -> None:
    policy = ReceiverPolicy()
    assert policy.permits(address, is_encrypted=True)
    assert not policy.permits(address, is_encrypted=False)


@pytest.mark.parametrize("kind", SPECIAL)
def test_other_addresses_are_refused(kind: str) -> None:
    permitted = [
        address
        for address in SPECIAL[kind]
        for is_encrypted in (True, False)
        if ReceiverPolicy().permits(address, is_encrypted=is_encrypted)
    ]
    assert permitted == []


@pytest.mark.parametrize("is_encrypted", [True, False])
def test_in_an_allowed_network_all_addresses_are_permitted(*, is_encrypted: bool) -> None:
    policy = ReceiverPolicy((ip_network("10.1.0.0/16"), ip_network("fd00:1::/32")))
    for address in ("10.1.0.0", "10.1.255.255", "fd00:1::7"):
        assert policy.permits(address, is_encrypted=is_encrypted)
    for address in ("10.2.0.1", "127.0.0.1", "::1", "fd00:2::7", "::ffff:10.1.0.1"):
        assert not policy.permits(address, is_encrypted=is_encrypted)
