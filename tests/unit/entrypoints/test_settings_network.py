"""Which proxies are trusted."""

from ipaddress import ip_network

import pytest

from entrypoints.settings import Settings


@pytest.mark.parametrize("text", ["", " ", ",", " , "])
def test_no_proxy_is_trusted_unless_it_is_named(text: str) -> None:
    assert Settings(_env_file=None, trusted_proxies=text).trusted_proxies == ()
    assert Settings(_env_file=None).trusted_proxies == ()


def test_proxies_are_addresses_and_networks() -> None:
    text = " 10.0.0.7, 10.1.0.0/16 ,,2001:db8::1,fd00::/8"

    assert Settings(_env_file=None, trusted_proxies=text).trusted_proxies == tuple(
        map(ip_network, ("10.0.0.7/32", "10.1.0.0/16", "2001:db8::1/128", "fd00::/8"))
    )


@pytest.mark.parametrize("files", [{}, {"PGVEND_TLS_CERT": "/c.pem", "PGVEND_TLS_KEY": "/k.pem"}])
def test_tls_takes_both_files_or_none(
    monkeypatch: pytest.MonkeyPatch, files: dict[str, str]
) -> None:
    for name, value in files.items():
        monkeypatch.setenv(name, value)

    settings = Settings(_env_file=None)

    assert bool(settings.tls_cert) is bool(settings.tls_key) is bool(files)
