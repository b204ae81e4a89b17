"""What pgvend leaves on this machine, and its removal."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InstalledItem:
    """A file, a folder or a system user. `size` is in bytes, None if it is not known. `kept` says
    why the item stays; it is empty for an item that is removed."""

    place: str
    contents: str
    size: int | None = None
    kept: str = ""


class InstalledPart(ABC):
    """All methods block."""

    @abstractmethod
    def list_items(self) -> Sequence[InstalledItem]:
        """Return what is there, and change nothing. Raises UninstallFailed when that cannot be
        found out, or when nothing of it may be removed."""

    @abstractmethod
    def hold(self) -> AbstractContextManager[None]:
        """Keep services from using the part until the context exits. Raises UninstallFailed when a
        service uses it."""

    @abstractmethod
    def remove(self) -> None:
        """Remove the items that `list_items` does not keep, and nothing else: never the target of
        a symbolic link. The part is held.

        After a crash, `list_items` finds the rest, and another call removes it. Raises
        UninstallFailed when something stays.
        """
