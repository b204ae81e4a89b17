"""The doctor: the checks that fit the settings, over connections that are opened for them alone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog

from adapters.embedded.doctor import EmbeddedExamination
from adapters.neon.doctor import NeonExamination
from adapters.postgres.doctor.checks import OPERATED, WITH_SIZES, PostgresExamination
from adapters.postgres.doctor.marks import Known
from adapters.registry.doctor import FileExamination, RecordsExamination, ServerExamination
from adapters.registry.snapshot import Remembered
from adapters.system.clock import SystemClock
from domain.errors import StartupError
from domain.passwords import name_of
from entrypoints.config.data_folder import found_secret
from entrypoints.config.provider import ProviderName
from entrypoints.config.settings import Settings
from entrypoints.doctor.secret import SecretExamination
from entrypoints.doctor.settings import SettingsExamination
from entrypoints.wiring.neon import neon_from_settings
from entrypoints.wiring.resources import embedded_options, server_from_settings
from ports.driven.clock import Clock
from ports.driven.doctor import Examination
from ports.use_cases.run_doctor import Examine

NEON_ANSWER_TIMEOUT = 10.0
"""Seconds: several calls that time out have to fit into the time limit of one group of checks."""


def create_doctor(settings: Settings) -> Examine:
    records = _create_records_check(settings)
    reader = _RegistryReader(settings, records)
    parts: dict[str, Examination] = {
        "settings": SettingsExamination(settings),
        "secret": SecretExamination(settings, reader.read_installation),
    }
    if records:
        parts["records"] = records
    return Examine(parts={**parts, **_create_provider_check(settings, reader, SystemClock())})


@dataclass(frozen=True)
class _RegistryReader:
    """The contents of the registry, read without the provider. Other checks treat a registry that
    cannot be read as an empty one: its own check reports the error."""

    settings: Settings
    records: RecordsExamination | None

    async def read_installation(self) -> Remembered:
        try:
            return await self.records.look() if self.records else Remembered()
        except StartupError:
            return Remembered()

    async def recall(self) -> Known:
        contents = await self.read_installation()
        recorded = {each.id for each in contents.live if each.target == self.settings.target.name}
        return Known(installation=await self._find_name(contents), recorded=recorded)

    async def _find_name(self, contents: Remembered) -> str | None:
        """Return the installation's name as at a start, but without creating a secret."""
        secret = found_secret(self.settings)
        if secret is None:
            return contents.kept
        return await contents.name(name_of(self.settings.oldest_secret(secret)))


def _create_records_check(settings: Settings) -> RecordsExamination | None:
    if settings.registry_url:
        return ServerExamination(settings.registry_url.get_secret_value())
    return FileExamination(settings.registry_file) if settings.registry_file else None


def _create_provider_check(
    settings: Settings, reader: _RegistryReader, clock: Clock
) -> Mapping[str, Examination]:
    match settings.provider:
        case ProviderName.EMBEDDED:
            bundle = embedded_options(settings)
            embedded = EmbeddedExamination(bundle=bundle, recall=reader.recall, clock=clock)
            return {"embedded": embedded}
        case ProviderName.POSTGRES:
            postgres = PostgresExamination(
                server=server_from_settings(settings),
                recall=reader.recall,
                clock=clock,
                setting="PGVEND_POSTGRES_ADMIN_DSN",
                questions=OPERATED if settings.size_limit is None else WITH_SIZES,
            )
            return {"postgres": postgres}
        case ProviderName.NEON:
            neon = neon_from_settings(settings, "", clock, structlog.get_logger())
            neon = replace(neon, answer_timeout=NEON_ANSWER_TIMEOUT)
            return {"neon": NeonExamination(neon=neon, recall=reader.recall)}
        case ProviderName.MEMORY:
            return {}
