"""Settings of the client commands, without pydantic: loading it takes longer than a request.

The first of these that sets the address or the key decides: options, a profile that was asked for,
the environment, `.env`, the default profile, and for the key the data folder of a service on this
machine. A profile's key is sent to its own address only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from domain.errors import StartupError
from domain.hosts import is_loopback
from domain.secrets import Secret
from entrypoints.config.client_variables import (
    ALLOW_HTTP,
    CLIENT_VARIABLES,
    KEY,
    PORT,
    PROFILE,
    URL,
    ClientVariable,
)
from entrypoints.config.environment import Variables, read_environment
from entrypoints.config.local_key import find_local_key
from entrypoints.config.profiles import Profile, find_default_profile, load_profile
from entrypoints.config.provenance import find_misplaced_addresses
from entrypoints.config.secret_files import read_secret_files

_SWITCHES = {
    **dict.fromkeys(("1", "on", "t", "true", "y", "yes"), True),
    **dict.fromkeys(("0", "off", "f", "false", "n", "no"), False),
}
"""The texts that settings of the service accept too."""


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """Options of the command line."""

    url: str | None = None
    key: Secret | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """`is_local` is true for the admin key in the data folder, which nobody chose."""

    url: SplitResult
    key: Secret | None = None
    is_local: bool = False

    @property
    def chosen_key(self) -> Secret | None:
        """The key that the user chose for this address, or None."""
        return None if self.is_local else self.key

    @property
    def address(self) -> str:
        """The service's address, as a user would write it."""
        return self.url.geturl()


NO_OPTIONS = ClientOptions()


def load_client_settings(options: ClientOptions = NO_OPTIONS) -> ClientSettings:
    """Load the settings of the client commands. Raises StartupError if one is invalid, a file
    cannot be read, or the key must not be sent to the address."""
    choice = _choose(options, _read_variables())
    for mistake in find_misplaced_addresses(choice.to_variables()):
        raise StartupError(mistake)
    allow_http = _parse_switch(choice, choice.values.get(ALLOW_HTTP.name, "off"))
    url = _parse_url(choice, _compose_url(choice), allow_http=allow_http)
    if key := choice.values.get(KEY.name):
        return ClientSettings(url, Secret(_check_key(choice, key)))
    return ClientSettings(url, find_local_key(url), is_local=True)


def format_target(url: SplitResult, path: Sequence[str], query: Sequence[tuple[str, str]]) -> str:
    """Return the path and the query of a request to a service, which may be below a path."""
    base = quote(url.path.rstrip("/"), safe="/%")
    address = "/".join(quote(part, safe="", errors="replace") for part in path)
    return f"{base}/{address}?{urlencode(query, errors='replace')}".removesuffix("?")


@dataclass(slots=True)
class _Choice:
    """The values by variable, where they are not from the environment, and those from `.env`."""

    values: dict[str, str]
    from_file: set[str]
    origins: dict[str, str] = field(default_factory=dict)

    def set(self, variable: ClientVariable, value: str, origin: str) -> None:
        self.values[variable.name] = value
        self.from_file.discard(variable.name)
        self.origins[variable.name] = origin

    def remove(self, name: str) -> None:
        self.values.pop(name, None)
        self.from_file.discard(name)

    def is_covered(self, variable: ClientVariable, *, by: ClientVariable) -> bool:
        """Return whether the other one is set where the variable is set, or with precedence."""
        if variable.name in self.origins or by.name not in self.values:
            return False
        return variable.name in self.from_file or by.name not in self.from_file

    def to_variables(self) -> Variables:
        return Variables(self.values, frozenset(self.from_file))

    def name(self, variable: ClientVariable) -> str:
        return self.origins.get(variable.name, variable.name)


def _read_variables() -> Variables:
    """Raises StartupError."""
    names = {PORT, *(variable.name for variable in CLIENT_VARIABLES)}
    variables, mistakes = read_secret_files(read_environment(), names)
    for mistake in mistakes:
        raise StartupError(mistake)
    return variables


def _choose(options: ClientOptions, known: Variables) -> _Choice:
    choice = _Choice(dict(known.values), set(known.from_file))
    if options.profile:
        choice.set(PROFILE, options.profile, "--profile")
    if choice.is_covered(PROFILE, by=URL):
        choice.remove(PROFILE.name)
    if name := choice.values.get(PROFILE.name):
        _use_profile(choice, load_profile(name), options)
    if options.url:
        choice.set(URL, options.url, "--url")
    if options.key:
        choice.set(KEY, options.key.reveal(), "--key")
    if URL.name in choice.values:
        choice.remove(PORT)
    elif PORT not in choice.values and (profile := find_default_profile()):
        _use_profile(choice, profile, options, is_default=True)
    return choice


def _use_profile(
    choice: _Choice, profile: Profile, options: ClientOptions, *, is_default: bool = False
) -> None:
    """Set the profile's values: all of them, or those of the default one that are not set."""
    if options.url and options.url != profile.url:
        return
    origin = f"profile {profile.name}"
    choice.set(URL, profile.url, origin)
    if profile.allow_http:
        choice.set(ALLOW_HTTP, "on", origin)
    if profile.key and not (is_default and KEY.name in choice.values):
        choice.set(KEY, profile.key.reveal(), origin)


def _compose_url(choice: _Choice) -> str:
    """Return the address: that of a service on this machine, if only its port is set."""
    if (url := choice.values.get(URL.name)) is not None:
        return url
    if (port := choice.values.get(PORT)) is None:
        return str(URL.default)
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise StartupError(f"{PORT}: not the port of a service. Set {URL.name} to its address.")
    return f"http://127.0.0.1:{int(port)}"


def _parse_switch(choice: _Choice, text: str) -> bool:
    try:
        return _SWITCHES[text.lower()]
    except KeyError:
        raise _invalid(choice, ALLOW_HTTP, "neither on nor off") from None


def _parse_url(choice: _Choice, text: str, *, allow_http: bool) -> SplitResult:
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
        raise _invalid(choice, URL, "not the URL of a service")
    if "@" in parts.netloc:
        raise _invalid(choice, URL, "it holds a user or a password: set PGVEND_KEY to the API key")
    if parts.scheme == "http" and not allow_http and not is_loopback(parts.hostname or ""):
        raise _invalid(
            choice,
            URL,
            "keys and passwords would be sent unencrypted: http is for loopback only, or with "
            f"{ALLOW_HTTP.name}=on",
        )
    return parts


def _check_key(choice: _Choice, key: str) -> str:
    """Raises StartupError for a key that a header cannot hold; the error does not repeat it."""
    if not key.isascii() or not key.isprintable():
        raise _invalid(choice, KEY, "it holds characters that no key has")
    return key


def _invalid(choice: _Choice, variable: ClientVariable, problem: str) -> StartupError:
    name = choice.name(variable)
    return StartupError(f"{name}: {problem}. Set it to {variable.description}.")
