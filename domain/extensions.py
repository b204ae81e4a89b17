"""PostgreSQL's extensions: those that a database may have."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.errors import ExtensionUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """`version` is the one that a new database gets; `description` is the extension's own."""

    name: str
    version: str
    description: str = ""


def check_available(wanted: Iterable[str], available: Sequence[Extension]) -> None:
    """Raises ExtensionUnavailable, with what is available, for the first that is not."""
    names = [extension.name for extension in available]
    for name in wanted:
        if name not in names:
            raise ExtensionUnavailable(
                f"The extension {name[:63]!r} is not available here; the server offers "
                f"{', '.join(names) or 'none'}. Leave it out, or ask the operator to install it on "
                "the server."
            )
