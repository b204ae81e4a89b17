"""Host names and addresses."""

import pytest

from domain.hosts import find_local_host, is_loopback


@pytest.mark.parametrize(
    ("listen", "host"),
    [
        (["127.0.0.1"], "127.0.0.1"),
        (["::1"], "::1"),
        (["*"], "127.0.0.1"),
        (["0.0.0.0"], "127.0.0.1"),
        (["::"], "::1"),
        (["192.0.2.7"], "192.0.2.7"),
        (["192.0.2.7", "127.0.0.1"], "127.0.0.1"),
    ],
)
def test_a_machine_connects_to_its_own_server_by_loopback_if_possible(
    listen: list[str], host: str
) -> None:
    assert find_local_host(listen) == host


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.9.9.9", True), ("::1", True), ("192.0.2.7", False), ("db", False)],
)
def test_only_this_machine_connects_to_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
