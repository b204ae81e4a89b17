"""What `pgvend serve` prints when it serves."""

from collections.abc import Iterator

from domain.connection import bracket_ipv6
from domain.hosts import find_local_host
from domain.secrets import Secret
from entrypoints.cli.listeners import Listeners
from entrypoints.config.exposure import find_unreachable_host
from entrypoints.config.local_admin import LocalAdmin
from entrypoints.config.settings import Settings

_BODY = "-H 'content-type: application/json' -d '{\"nickname\": \"My first database\"}'"


def print_banner(
    settings: Settings, admin: LocalAdmin | None, code: Secret | None, listeners: Listeners
) -> None:
    """Print the addresses of the service and where its data are. `admin` is the key that it made
    itself, and `code` a one-time code for that key. Raises OSError."""
    print(f"pgvend serves {_format_url(settings, settings.host, listeners.port)}")
    for name, text in _list_facts(settings, admin, code, listeners):
        print(f"  {name:<12} {text}")
    print(end="", flush=True)


def _list_facts(
    settings: Settings, admin: LocalAdmin | None, code: Secret | None, listeners: Listeners
) -> Iterator[tuple[str, str]]:
    url = _format_url(settings, find_local_host((settings.host,)), listeners.port)
    yield "console", f"{url}/"
    if code:
        yield "code", f"{code.reveal()} opens the console: once, within ten minutes"
    if admin:
        yield "admin key", f"in {admin.file}"
    if settings.metrics_listen:
        host = settings.metrics_listen.host
        yield (
            "metrics",
            f"http://{bracket_ipv6(host)}:{listeners.metrics_port}/metrics, without a key",
        )
    yield "provider", settings.provider
    yield "data folder", str(settings.data_dir.resolve())
    yield "records", _describe_records(settings)
    if problem := find_unreachable_host(settings):
        yield "warning", problem
    yield "try", f"curl -X POST {url}/v1/databases {_format_key_option(settings)}{_BODY}"


def _format_url(settings: Settings, host: str, port: int) -> str:
    scheme = "https" if settings.tls_cert else "http"
    return f"{scheme}://{bracket_ipv6(host)}:{port}"


def _format_key_option(settings: Settings) -> str:
    return "" if settings.is_open else "-H 'authorization: Bearer YOUR_KEY' "


def _describe_records(settings: Settings) -> str:
    if settings.registry_url:
        return "on the server of PGVEND_REGISTRY_URL"
    return str(settings.registry_file or "in memory, lost when pgvend stops")
