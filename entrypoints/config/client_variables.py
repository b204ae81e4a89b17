"""Variables of the client commands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClientVariable:
    """A variable, its value where it is not set, and its meaning, which is also an error's fix."""

    name: str
    default: str | bool | None
    description: str


ALLOW_HTTP = ClientVariable(
    "PGVEND_ALLOW_HTTP",
    False,
    "on, to send keys and passwords unencrypted beyond this machine, or off",
)
URL = ClientVariable(
    "PGVEND_URL",
    "http://127.0.0.1:8000",
    "the service's address, such as https://pgvend.example",
)
KEY = ClientVariable("PGVEND_KEY", None, "your API key")
PROFILE = ClientVariable(
    "PGVEND_PROFILE", None, "a profile of ~/.config/pgvend/config.toml, with an address and a key"
)

CLIENT_VARIABLES = (ALLOW_HTTP, URL, KEY, PROFILE)

PORT = "PORT"
"""The variable of the service's port, which the client reads too."""
