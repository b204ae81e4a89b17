"""PostgreSQL extensions that a database can have."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.errors import ExtensionUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """An available extension. `version` is the default version; `description` is its own."""

    name: str
    version: str
    description: str = ""


def check_available(requested: Iterable[str], available: Sequence[Extension]) -> None:
    """Raise ExtensionUnavailable for the first extension that is not available; the message lists
    the available ones."""
    names = [extension.name for extension in available]
    for name in requested:
        if name not in names:
            raise ExtensionUnavailable(
                f"The extension {name[:63]!r} is not available here; the server offers "
                f"{', '.join(names) or 'none'}. Leave it out, or ask the operator to install it on "
                "the server."
            )
