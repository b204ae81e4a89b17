"""The address at which this machine reaches the service, by the settings of the service itself.

Without pydantic, like the client's settings: a health check runs every few seconds.
"""

from collections.abc import Mapping
from urllib.parse import SplitResult

from domain.errors import StartupError
from domain.hosts import find_local_host
from entrypoints.config.client_variables import PORT
from entrypoints.config.environment import read_environment

HOST, TLS_CERT, TLS_KEY = "HOST", "PGVEND_TLS_CERT", "PGVEND_TLS_KEY"

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8000


def find_service_url() -> SplitResult:
    """Return the address of the service with the settings of the environment and `.env`. Raises
    StartupError if they name no port."""
    variables = read_environment().select({HOST, PORT, TLS_CERT, TLS_KEY}).values
    host = find_local_host((variables.get(HOST, DEFAULT_HOST),))
    place = f"{f'[{host}]' if ':' in host else host}:{_parse_port(variables)}"
    scheme = "https" if {TLS_CERT, TLS_KEY} & variables.keys() else "http"
    return SplitResult(scheme, place, "", "", "")


def _parse_port(variables: Mapping[str, str]) -> int:
    text = variables.get(PORT, str(DEFAULT_PORT)).strip()
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise StartupError(f"{PORT}: not a port. Set it to a port from 1 to 65535.")
    if int(text) == 0:
        raise StartupError(
            f"{PORT} is 0, any free port: set it to a fixed one, so that health checks find the "
            "service."
        )
    return int(text)
