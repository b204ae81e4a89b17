"""`pgvend health`."""

import json
import ssl
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Annotated, Any
from urllib.parse import SplitResult

import typer

from entrypoints.cli.errors import ExitStatus, RequestError, report_errors
from entrypoints.cli.options import AsJson
from entrypoints.cli.printing import print_json, print_line
from entrypoints.config.local_service import find_service_url

DEFAULT_TIMEOUT = 8.0
"""Seconds; a check of the service's parts takes up to five."""

MAX_SIZE = 65_536
"""Bytes of an answer that are read: another program may send more."""

Live = Annotated[
    bool, typer.Option("--live", help="Only check that it answers, not the parts that it needs.")
]
Timeout = Annotated[
    float, typer.Option(metavar="SECONDS", min=0.1, help="The time for each step of the answer.")
]


def health(live: Live = False, timeout: Timeout = DEFAULT_TIMEOUT, as_json: AsJson = False) -> None:
    """Check the service on this machine: whether it runs, and can serve requests.

    Finds it by the service's own HOST, PORT and PGVEND_TLS_CERT, and needs no key. Exits with
    status 0 if it is healthy, 1 if a part of it is not, and 6 if it does not answer.
    """
    with report_errors():
        url = find_service_url()
        status, body = _ask(url, "/livez" if live else "/readyz", timeout)
        is_healthy = status == 200
        if as_json:
            print_json(body)
        else:
            print_line(f"{url.geturl()} is {'' if is_healthy else 'not '}{_describe(body)}")
    if not is_healthy:
        raise typer.Exit(ExitStatus.OTHER)


def _ask(url: SplitResult, target: str, timeout: float) -> tuple[int, Any]:
    """Return the status and the JSON of the service's answer. Raises RequestError if nothing
    answers, or something else than pgvend."""
    try:
        with closing(_create_connection(url, timeout)) as connection:
            connection.request("GET", target, headers={"Accept": "application/json"})
            response = connection.getresponse()
            status, body = response.status, json.loads(response.read(MAX_SIZE))
    except (OSError, HTTPException, ValueError) as error:
        raise _report_silence(url, str(error)) from error
    match status, body:
        case 200 | 503, {"status": "ok" | "unavailable"}:
            return status, body
    raise _report_silence(url, f"an answer with HTTP {status}, which is not pgvend's")


def _create_connection(url: SplitResult, timeout: float) -> HTTPConnection:
    host = url.hostname or ""
    if url.scheme == "https":
        return HTTPSConnection(host, url.port, timeout=timeout, context=_trust_all())
    return HTTPConnection(host, url.port, timeout=timeout)


def _trust_all() -> ssl.SSLContext:
    """Return a context that accepts every certificate: this machine's address is seldom a name in
    it, and the request holds no secret."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _report_silence(url: SplitResult, reason: str) -> RequestError:
    return RequestError(
        f"{url.geturl()} does not answer as pgvend ({reason}): see whether `pgvend serve` runs "
        "with the same HOST, PORT, PGVEND_TLS_CERT and PGVEND_TLS_KEY.",
        ExitStatus.UNREACHABLE,
    )


def _describe(body: Any) -> str:
    checks = body.get("checks")
    if not isinstance(checks, dict):
        return "alive"
    return "ready: " + ", ".join(f"{name} {outcome}" for name, outcome in checks.items())
