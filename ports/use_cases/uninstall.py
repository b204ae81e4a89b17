"""Remove what pgvend leaves on this machine."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from ports.driven.installed_part import InstalledItem, InstalledPart


@dataclass(frozen=True, kw_only=True)
class Uninstall:
    """`parts` are in the order of their removal. `others` are items that stay in any case."""

    parts: Sequence[InstalledPart]
    others: Sequence[InstalledItem] = ()

    def list_items(self) -> list[InstalledItem]:
        """Return the items of all parts, and the others. Raises UninstallFailed."""
        found = [item for part in self.parts for item in part.list_items()]
        return [*found, *self.others]

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep services from starting until the context exits. Raises UninstallFailed when one
        runs."""
        with ExitStack() as holding:
            for part in self.parts:
                holding.enter_context(part.hold())
            yield

    def remove(self) -> None:
        """Remove the parts, which the caller holds. An error ends it, so that a later part is not
        removed while an earlier one needs it. Raises UninstallFailed."""
        for part in self.parts:
            part.remove()
