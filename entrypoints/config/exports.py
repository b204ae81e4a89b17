"""Settings of the export of expired databases."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from domain.sizes import SizeLimit
from entrypoints.config.field_types import Duration, Size
from entrypoints.config.neon import NeonIsolation
from entrypoints.config.provider import ProviderName, ProviderSettings


class ExportSettings(ProviderSettings):
    """Settings of the export, which depend on the provider."""

    export_dir: Path | None = Field(
        None,
        validation_alias="PGVEND_EXPORT_DIR",
        description="nothing, or a folder into which expired databases are dumped before they are "
        "deleted",
    )
    export_patience: Duration = Field(
        timedelta(days=7),
        validation_alias="PGVEND_EXPORT_PATIENCE",
        description="a duration such as 24h or 7d, after which a database whose export keeps "
        "failing is deleted without one",
    )
    export_timeout: Duration = Field(
        timedelta(hours=1),
        validation_alias="PGVEND_EXPORT_TIMEOUT",
        description="a duration such as 10m or 2h, after which an export is stopped",
    )
    export_max_size: Size = Field(
        SizeLimit(10 << 30),
        validation_alias="PGVEND_EXPORT_MAX_SIZE",
        description="the size, such as 500MB or 10GB, that a dump must not exceed",
    )

    @field_validator("export_dir")
    @classmethod
    def _check_export_dir(cls, folder: Path | None, info: ValidationInfo) -> Path | None:
        isolation = info.data.get("neon_isolation")
        is_neon = info.data.get("provider") is ProviderName.NEON
        if folder and is_neon and isolation is not NeonIsolation.ROLE:
            raise ValueError(f"not for Neon with PGVEND_NEON_ISOLATION={isolation}: remove it")
        return folder and folder.resolve()

    @property
    def export_programs(self) -> tuple[Path, ...]:
        """Folders in which to look for pg_dump too."""
        return (self.embedded_programs,) if self.embedded_programs else ()
