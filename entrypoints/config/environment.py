"""Variables of the process's environment and of `.env` in the current folder."""

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from itertools import zip_longest
from pathlib import Path

from dotenv import dotenv_values

from domain.errors import StartupError

ENV_FILE = ".env"

PREFIX = "PGVEND_"

FORMER_NAMES = {
    f"{PREFIX}{former}": f"{PREFIX}{name}"
    for former, name in (
        ("POSTGRES_PUBLIC_HOST", "PUBLIC_HOST"),
        ("POSTGRES_PUBLIC_PORT", "PUBLIC_PORT"),
        ("SWEEP_INTERVAL", "RECONCILE_INTERVAL"),
    )
}
"""Settings that were renamed. A former name is refused, with the new one: there are no aliases."""

_KUBERNETES_NAME = re.compile(
    r"PGVEND_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
"""Names of variables that Kubernetes sets for Services named `pgvend` or `pgvend-...`."""

_KUBERNETES_LINK = re.compile(r"(tcp|udp|sctp)://")
"""The beginning of the value of PGVEND_PORT, which Kubernetes sets too: tcp://10.0.0.7:8000."""


@dataclass(frozen=True, slots=True)
class Variables:
    """Variables by name; `from_file` holds the names of those that `.env` sets."""

    values: Mapping[str, str]
    from_file: frozenset[str]

    def select(self, names: Collection[str]) -> "Variables":
        """Return only the variables with these names."""
        values = {name: value for name, value in self.values.items() if name in names}
        return Variables(values, self.from_file & values.keys())


def read_environment() -> Variables:
    """Return the variables that are set; the environment has precedence over `.env`.

    Leaves out empty ones and those that Kubernetes sets for a Service. Raises StartupError if
    `.env` exists and cannot be read.
    """
    file, process = _without_kubernetes(_read_env_file()), _without_kubernetes(os.environ)
    return Variables({**file, **process}, frozenset(file.keys() - process.keys()))


def find_misspelled_names(names: Iterable[str], known: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each misspelled or former name, and the right one.

    Callers refuse these, because a typo such as PGVEND_RECONCILE_INTERVL=0 must not be ignored.
    """
    settings = sorted(known)
    for name in sorted(set(names) - set(settings)):
        right_name = FORMER_NAMES.get(name) or next(
            (each for each in settings if _is_misspelling_of(name, each)), None
        )
        if right_name:
            yield name, right_name


def find_unknown_names(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return the names that begin like settings but are not settings."""
    return sorted(name for name in set(names) - set(known) if name.startswith(PREFIX))


def find_ignored_links(known: Iterable[str]) -> list[str]:
    """Return the settings, and PGVEND_PORT, whose values Kubernetes set for a Service."""
    settings = {*known, f"{PREFIX}PORT"}
    return sorted(name for name in settings if _KUBERNETES_LINK.match(os.environ.get(name, "")))


def _is_from_kubernetes(name: str, value: str) -> bool:
    is_link = name.startswith(PREFIX) and name.endswith("PORT") and _KUBERNETES_LINK.match(value)
    return bool(is_link or _KUBERNETES_NAME.fullmatch(name))


def _is_misspelling_of(name: str, setting: str) -> bool:
    if not name.upper().startswith(PREFIX):
        return False
    is_prefixed = name.upper() == f"{PREFIX}{setting}"  # PGVEND_PORT for PORT
    return is_prefixed or (
        setting.startswith(PREFIX) and _differs_by_one_edit(name.upper(), setting)
    )


def _differs_by_one_edit(name: str, setting: str) -> bool:
    """Return whether at most one character is missing, added, changed or swapped with the next."""
    pairs = enumerate(zip_longest(name, setting))
    start = next((index for index, (one, other) in pairs if one != other), len(name))
    one, other = name[start:], setting[start:]
    is_swapped = one[:2] == other[1::-1] and one[2:] == other[2:]
    return is_swapped or one[1:] == other[1:] or one[1:] == other or one == other[1:]


def _without_kubernetes(variables: Mapping[str, str | None]) -> dict[str, str]:
    return {
        name: value
        for name, value in variables.items()
        if value and not _is_from_kubernetes(name, value)
    }


def _read_env_file() -> Mapping[str, str | None]:
    """Return the variables of `.env`; none if it is missing or a folder (a virtualenv), or if the
    current folder was removed or is not accessible."""
    try:
        text = Path(ENV_FILE).read_text("utf-8")
    except (FileNotFoundError, IsADirectoryError):
        return {}
    except UnicodeDecodeError:
        raise StartupError(f"{ENV_FILE} is not UTF-8: save it as UTF-8.") from None
    except OSError as error:
        if not os.access(".", os.X_OK):
            return {}
        raise StartupError(
            f"{ENV_FILE} cannot be read ({error.strerror}): make it readable, or start pgvend in "
            "another folder."
        ) from error
    # no interpolation: `${NAME}` could send a secret of the environment to an address of the file
    return dotenv_values(stream=StringIO(text), interpolate=False)
