"""Contents of databases in memory."""

from dataclasses import dataclass, field

from domain.errors import SourceInUse

EMPTY_SIZE = 8 << 20
"""Bytes of a new database on a server."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Sizes, texts and numbers of open sessions, by the ids of the tenants. Tests set them."""

    sizes: dict[str, int] = field(default_factory=dict)
    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sessions: dict[str, int] = field(default_factory=dict)

    def write(self, tenant_id: str, text: str) -> None:
        self.texts[tenant_id] = (*self.read(tenant_id), text)

    def read(self, tenant_id: str) -> tuple[str, ...]:
        return self.texts.get(tenant_id, ())

    def get_size(self, tenant_id: str) -> int:
        return self.sizes.get(tenant_id, EMPTY_SIZE)

    def copy(self, source_id: str, tenant_id: str, *, ends_sessions: bool) -> None:
        """Copy everything but the sessions. Raises SourceInUse if there are sessions that must not
        be ended."""
        if self.sessions.get(source_id) and not ends_sessions:
            raise SourceInUse
        self.sessions.pop(source_id, None)
        self.texts[tenant_id] = self.read(source_id)
        self.sizes[tenant_id] = self.get_size(source_id)

    def clear(self, tenant_id: str) -> None:
        for values in (self.sizes, self.texts, self.sessions):
            values.pop(tenant_id, None)
