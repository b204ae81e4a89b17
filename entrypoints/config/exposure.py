"""The exposure of the service by its settings: who can reach it, and who needs no key."""

from domain.hosts import is_loopback
from entrypoints.config.provider import ProviderName
from entrypoints.config.settings import Settings

_SET_KEYS = "set PGVEND_ADMIN_KEY or PGVEND_API_KEYS"


def find_open_access(settings: Settings) -> str | None:
    """Return why other machines could create databases without a key, with the fix; None if they
    cannot. Then `pgvend serve` makes an admin key, or refuses to start if replicas share their
    records, unless `--insecure` allows it."""
    if not settings.is_open:
        return None
    if settings.trusted_proxies:
        return (
            "Without keys, anyone who comes through PGVEND_TRUSTED_PROXIES can create databases: "
            f"{_SET_KEYS}, or add --insecure if the proxies authenticate callers."
        )
    if settings.is_loopback:
        return None
    return (
        f"Without keys, anyone who can reach {settings.host} can create databases: {_SET_KEYS}, "
        "listen on HOST=127.0.0.1, or add --insecure if something in front of pgvend "
        "authenticates callers."
    )


def find_unreachable_host(settings: Settings) -> str | None:
    """Return the problem and its fix if callers come from other machines while connections name
    the loopback address of this one; None otherwise."""
    is_remote = not settings.is_loopback or settings.trusted_proxies
    host = settings.connection_host
    if not is_remote or host is None or not is_loopback(host):
        return None
    listen = (
        ", and PGVEND_EMBEDDED_LISTEN to an address of this machine"
        if settings.provider is ProviderName.EMBEDDED and _listens_locally(settings)
        else ""
    )
    return (
        f"Callers come from other machines, but connections name {host}: set PGVEND_PUBLIC_HOST to "
        f"the name by which callers reach the PostgreSQL server{listen}."
    )


def _listens_locally(settings: Settings) -> bool:
    """Return whether the bundled server is reachable from this machine (or container) alone."""
    return all(is_loopback(address) for address in settings.embedded_listen)
