"""One exchange with a server over HTTP, and a sentence for each way in which it can fail.

With Python's own HTTP client: loading aiohttp takes longer than the request.
"""

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult

from entrypoints.cli.errors import ExitStatus, RequestError

CONNECT_TIMEOUT = 15
"""Seconds to wait for a connection."""

TIMEOUT = 400
"""Seconds to wait for the service: longer than a call can wait for its turn and for a locked Neon
project together."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The status of an answer, its JSON (None if it is not JSON), and its headers, whose names are
    in lower case."""

    status: int
    body: Any
    headers: Mapping[str, str]


def exchange(
    url: SplitResult,
    method: str,
    target: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    timeout: float = TIMEOUT,
) -> Answer:
    """Send a request to the server of the URL. Raises RequestError if it cannot be reached."""
    address = url.geturl()
    with closing(_create_connection(url, min(timeout, CONNECT_TIMEOUT))) as connection:
        with _translate_connection_errors(address):
            connection.connect()
        connection.sock.settimeout(timeout)
        with _translate_lost_answers(address, url.scheme, timeout):
            connection.request(method, target, body, dict(headers))
            response = connection.getresponse()
            answer = response.read()
    names = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, _parse_json(answer), names)


def _create_connection(url: SplitResult, timeout: float) -> HTTPConnection:
    host = url.hostname or ""
    if url.scheme == "https":
        return HTTPSConnection(host, url.port, timeout=timeout)
    return HTTPConnection(host, url.port, timeout=timeout)


@contextmanager
def _translate_connection_errors(address: str) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeError) as error:  # UnicodeError for a host that no name can be
        raise RequestError(
            _explain_connection_error(address, error), ExitStatus.UNREACHABLE
        ) from error


def _explain_connection_error(address: str, error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"The certificate of {address} is not trusted ({error.verify_message}): set "
                "SSL_CERT_FILE to the file of its authority, or PGVEND_URL to the certificate's "
                "name."
            )
        case ssl.SSLError() | ConnectionResetError():
            return (
                f"The server at {address} does not answer in TLS: set PGVEND_URL to pgvend's "
                "port, or to http://... if pgvend serves without TLS."
            )
        case ConnectionRefusedError():
            return (
                f"Nothing listens at {address}: start pgvend with `pgvend serve`, or set "
                "PGVEND_URL to its address and port."
            )
        case socket.gaierror() | UnicodeError():
            return f"The host of {address} has no address: set PGVEND_URL to pgvend's address."
        case TimeoutError():
            return (
                f"{address} does not answer: check PGVEND_URL, the network and firewalls on the "
                "way."
            )
    return (
        f"Cannot connect to {address} ({error}): start pgvend with `pgvend serve`, or set "
        "PGVEND_URL."
    )


@contextmanager
def _translate_lost_answers(address: str, scheme: str, timeout: float) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise RequestError(
            f"{address} did not answer within {timeout:g} s; the request may still complete: "
            "check with `pgvend list`.",
            ExitStatus.UNREACHABLE,
        ) from error
    except (HTTPException, OSError) as error:
        other = "http" if scheme == "https" else "https"
        raise RequestError(
            f"The server at {address} gave no HTTP answer ({type(error).__name__}): set PGVEND_URL "
            f"to pgvend's port, or to {other}://.... If pgvend was stopped, check with "
            "`pgvend list` whether the request completed.",
            ExitStatus.UNREACHABLE,
        ) from error


def _parse_json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
