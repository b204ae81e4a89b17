"""Settings of spares and of the names of databases."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from domain.postgres_url import PostgresUrl
from domain.spares import DEFAULT
from domain.templates import NAME_PATTERN
from entrypoints.config.field_types import Choice
from entrypoints.config.neon import NeonIsolation
from entrypoints.config.provider import ProviderName, ProviderSettings

MAX_SPARES = 1_000

BUNDLED_SPARES: Mapping[str, int] = {DEFAULT: 4}
"""The spares of the bundled server without PGVEND_SPARES; other providers keep none."""

EXAMPLE = "default=4,shop=10"

_SHAPE_LENGTH = 16


class NamesMode(StrEnum):
    """The origin of the names of databases and their owners in PostgreSQL."""

    NICKNAME = "nickname"
    OPAQUE = "opaque"  # the id, which says nothing about the use


def _parse_counts(text: Any) -> Any:
    """Parse `default=4,shop=10`. Raises ValueError, with every invalid part."""
    if not isinstance(text, str):
        return text
    parts = [part.strip() for part in text.split(",") if part.strip()]
    pairs = [_split(part) for part in parts]
    if mistakes := [mistake for pair in pairs if (mistake := _find_mistake(*pair))]:
        raise ValueError("; ".join(mistakes))
    counts = {name: int(count) for name, count in pairs}
    if len(counts) < len(pairs):
        raise ValueError("it holds a name twice")
    return counts


def _split(part: str) -> tuple[str, str]:
    name, _, count = part.rpartition("=")
    return name.strip(), count.strip()


def _find_mistake(name: str, count: str) -> str | None:
    if not name:
        return f"{count[:63]!r} is not a name and a number, such as {DEFAULT}=4"
    if not NAME_PATTERN.fullmatch(name):
        return f"{name[:63]!r} is neither {DEFAULT} nor the name of a template"
    if not (count.isascii() and count.isdigit() and int(count[:9]) <= MAX_SPARES):
        return f"{count[:63]!r} is not a number of spares from 0 to {MAX_SPARES}"
    return None


SpareCounts = Annotated[dict[str, int], BeforeValidator(_parse_counts)]


class SpareSettings(ProviderSettings):
    """Settings of spares, which depend on the provider."""

    names: Choice[NamesMode] = Field(
        NamesMode.NICKNAME,
        validation_alias="PGVEND_NAMES",
        description=f"one of {', '.join(NamesMode)}",
    )
    spare_counts: SpareCounts | None = Field(
        None,
        validation_alias="PGVEND_SPARES",
        description=f"the number of spares, from 0 to {MAX_SPARES}, to keep without a template "
        f"({DEFAULT}) and for each template: {EXAMPLE}",
    )

    @field_validator("spare_counts")
    @classmethod
    def _check_spare_counts(
        cls, counts: Mapping[str, int] | None, info: ValidationInfo
    ) -> Mapping[str, int] | None:
        """Check that the provider can have these spares."""
        wanted = [name for name, count in (counts or {}).items() if count]
        if info.data.get("provider") is ProviderName.NEON and wanted:
            _check_neon(info.data.get("neon_isolation"), info.data.get("names"), wanted)
        return counts

    @property
    def spares(self) -> Mapping[str, int]:
        """The number of spares to keep, by the name of their template or `default`."""
        if self.spare_counts is not None:
            return self.spare_counts
        return BUNDLED_SPARES if self.provider is ProviderName.EMBEDDED else {}

    @property
    def has_opaque_names(self) -> bool:
        """Whether databases are named by their ids, so that a claim does not rename them."""
        return self.names is NamesMode.OPAQUE

    @property
    def spare_shape(self) -> str:
        """A digest of the settings that shape spares: spares of another one are replaced."""
        facts = [
            self.target.name,
            self._admin_identity,
            self.connection_limit,
            self.names,
            self.verify_login,
        ]
        return sha256(json.dumps(facts).encode()).hexdigest()[:_SHAPE_LENGTH]

    @property
    def _admin_identity(self) -> Sequence[str | None]:
        """The admin who owns the rights over spares, without secrets."""
        if self.provider is ProviderName.POSTGRES:
            return [PostgresUrl.parse(self.admin_dsn()).user]
        if self.provider is ProviderName.NEON:
            return [self.neon_project_id, self.neon_branch_id]
        return []


def _check_neon(
    isolation: NeonIsolation | None, names: NamesMode | None, wanted: Sequence[str]
) -> None:
    """Raise ValueError if spares are impossible with these settings of Neon."""
    if isolation is NeonIsolation.NONE:
        raise ValueError(
            f"there are no spares with PGVEND_NEON_ISOLATION={NeonIsolation.NONE}, because Neon's "
            "API chooses those passwords: remove it, or set another isolation"
        )
    if isolation is NeonIsolation.PROJECT and names is NamesMode.NICKNAME:
        raise ValueError(
            "pgvend does not rename a project's database, so that its spares need opaque names: "
            f"remove it, or set PGVEND_NAMES={NamesMode.OPAQUE} too"
        )
    if templates := [name for name in wanted if name != DEFAULT]:
        raise ValueError(f"Neon has no templates: remove {', '.join(templates)}")
