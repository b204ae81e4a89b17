"""The API's lists of roles and databases, reconciled with those on the server."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar


@dataclass(kw_only=True)
class Entry:
    """A listed role or database.

    `real_name` is its name in PostgreSQL, or None before it exists there. `settled` means that no
    operation on it is running and the last one succeeded.
    """

    name: str
    created_at: datetime
    updated_at: datetime
    real_name: str | None = None
    settled: bool = False
    is_deleting: bool = False
    unseen_reads: int = 0

    def cancel_deletion(self) -> None:
        """Keep the entry: its deletion failed."""
        self.is_deleting = False


@dataclass(kw_only=True)
class Role(Entry):
    """`password` is the last one that the API set; None for a role that SQL created."""

    password: str | None = None
    no_login: bool = False


@dataclass(kw_only=True)
class Database(Entry):
    id: int
    owner_name: str


E = TypeVar("E", bound=Entry)


class Catalog(Generic[E]):
    """The entries of one kind."""

    def __init__(self) -> None:
        self._entries: list[E] = []

    def __len__(self) -> int:
        return len(self.list_all())

    def list_all(self) -> list[E]:
        return [entry for entry in self._entries if not entry.is_deleting]

    def find(self, name: str) -> E | None:
        return next((entry for entry in self.list_all() if entry.name == name), None)

    def add(self, entry: E) -> E:
        self._entries.append(entry)
        return entry

    def remove(self, entry: E) -> None:
        self._entries = [other for other in self._entries if other is not entry]

    def list_visible(self) -> list[E]:
        """Return the entries that a list shows; stale ones appear after some reads."""
        entries = self.list_all()
        visible = [entry for entry in entries if not entry.unseen_reads]
        for entry in entries:
            entry.unseen_reads = max(0, entry.unseen_reads - 1)
        return visible

    def find_visible(self, name: str) -> E | None:
        entry = self.find(name)
        if entry and entry.unseen_reads:
            entry.unseen_reads -= 1
            return None
        return entry

    def merge(self, real_names: Iterable[str], create: Callable[[str], E]) -> None:
        """Remove entries that SQL dropped, and add those that it created."""
        names = list(real_names)
        self._entries = [entry for entry in self._entries if entry.real_name in {None, *names}]
        known = {entry.real_name for entry in self._entries}
        for name in names:
            if name not in known:
                entry = self.find(name)
                if entry and entry.real_name is None:
                    entry.real_name = name
                else:
                    self.add(create(name))
