"""Settings of the client commands, without pydantic: loading it takes longer than a request."""

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from domain.errors import StartupError
from domain.hosts import is_loopback
from domain.secrets import Secret
from entrypoints.config.environment import read_environment
from entrypoints.config.provenance import find_misplaced_addresses


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

CLIENT_VARIABLES = (ALLOW_HTTP, URL, KEY)

_SWITCHES = {
    **dict.fromkeys(("1", "on", "t", "true", "y", "yes"), True),
    **dict.fromkeys(("0", "off", "f", "false", "n", "no"), False),
}
"""The texts that settings of the service accept too."""


@dataclass(frozen=True, slots=True)
class ClientSettings:
    url: SplitResult
    key: Secret | None = None

    @property
    def address(self) -> str:
        """The service's address, as a user would write it."""
        return self.url.geturl()


def load_client_settings() -> ClientSettings:
    """Load the settings of the client commands. Raises StartupError if one is invalid, `.env`
    cannot be read, or the key must not be sent to the address."""
    known = read_environment().select({variable.name for variable in CLIENT_VARIABLES})
    for mistake in find_misplaced_addresses(known):
        raise StartupError(mistake)
    values = known.values
    allow_http = _parse_switch(ALLOW_HTTP, values.get(ALLOW_HTTP.name, "off"))
    url = _parse_url(values.get(URL.name, str(URL.default)), allow_http=allow_http)
    key = values.get(KEY.name)
    return ClientSettings(url, Secret(_check_key(key)) if key else None)


def _parse_switch(variable: ClientVariable, text: str) -> bool:
    try:
        return _SWITCHES[text.lower()]
    except KeyError:
        raise _invalid(variable, "neither on nor off") from None


def _parse_url(text: str, *, allow_http: bool) -> SplitResult:
    """Parse the URL of a service.

    Raises StartupError if it is not an HTTP URL, if it holds a user or a password, which errors
    would repeat, or if it is plain HTTP beyond loopback without `allow_http`.
    """
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or not text.isprintable() or " " in text:
        raise _invalid(URL, "not the URL of a service")
    if "@" in parts.netloc:
        raise _invalid(URL, "it holds a user or a password: set PGVEND_KEY to the API key")
    if parts.scheme == "http" and not allow_http and not is_loopback(parts.hostname or ""):
        raise _invalid(
            URL,
            "keys and passwords would be sent unencrypted: http is for loopback only, or with "
            f"{ALLOW_HTTP.name}=on",
        )
    return parts


def _check_key(key: str) -> str:
    """Raises StartupError for a key that a header cannot hold; the error does not repeat it."""
    if not key.isascii() or not key.isprintable():
        raise _invalid(KEY, "it holds characters that no key has")
    return key


def _invalid(variable: ClientVariable, problem: str) -> StartupError:
    return StartupError(f"{variable.name}: {problem}. Set it to {variable.description}.")
