"""The part of the composition root that is about `pgvend doctor`: nothing is opened for work."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog

from adapters.embedded.examining import EmbeddedExamination
from adapters.neon.examining import NeonExamination
from adapters.postgres.examining.examination import OPERATED, WITH_SIZES, PostgresExamination
from adapters.postgres.examining.marks import Known
from adapters.registry.examining import FileExamination, RecordsExamination, ServerExamination
from adapters.registry.remembered import Remembered
from adapters.system.clock import SystemClock
from domain.errors import StartupError
from domain.passwords import name_of
from entrypoints.data_folder import found_secret
from entrypoints.exposure import SettingsExamination
from entrypoints.neon_parts import neon_of
from entrypoints.provider_settings import ProviderName
from entrypoints.resources import bundle_of, server_of
from entrypoints.secret_examination import SecretExamination
from entrypoints.settings import Settings
from ports.driven.clock import Clock
from ports.driven.examination import Examination
from ports.driving.examine import Examine

NEONS_ANSWER = 10.0
"""Seconds: several that are given up have to fit into the patience with one part."""


def doctor_of(settings: Settings) -> Examine:
    records = _records(settings)
    memory = _Memory(settings, records)
    parts: dict[str, Examination] = {
        "settings": SettingsExamination(settings),
        "secret": SecretExamination(settings, memory.records_or_none),
    }
    if records:
        parts["records"] = records
    return Examine(parts={**parts, **_provider(settings, memory, SystemClock())})


@dataclass(frozen=True)
class _Memory:
    """What the secret and the records tell without the provider. Records that cannot be read are
    told by their own examination, and are as good as none for all others."""

    settings: Settings
    records: RecordsExamination | None

    async def records_or_none(self) -> Remembered:
        try:
            return await self.records.look() if self.records else Remembered()
        except StartupError:
            return Remembered()

    async def recall(self) -> Known:
        records = await self.records_or_none()
        live = {each.id for each in records.live if each.target == self.settings.target.name}
        return Known(installation=await self._installation(records), recorded=live)

    async def _installation(self, records: Remembered) -> str | None:
        """As at the start, but for a secret that would be made there."""
        secret = found_secret(self.settings)
        if secret is None:
            return records.kept
        return await records.name(name_of(self.settings.oldest_secret(secret)))


def _records(settings: Settings) -> RecordsExamination | None:
    if settings.registry_url:
        return ServerExamination(settings.registry_url.get_secret_value())
    return FileExamination(settings.registry_file) if settings.registry_file else None


def _provider(settings: Settings, memory: _Memory, clock: Clock) -> Mapping[str, Examination]:
    match settings.provider:
        case ProviderName.EMBEDDED:
            bundle = bundle_of(settings)
            embedded = EmbeddedExamination(bundle=bundle, recall=memory.recall, clock=clock)
            return {"embedded": embedded}
        case ProviderName.POSTGRES:
            postgres = PostgresExamination(
                server=server_of(settings),
                recall=memory.recall,
                clock=clock,
                setting="PGVEND_POSTGRES_ADMIN_DSN",
                questions=OPERATED if settings.size_limit is None else WITH_SIZES,
            )
            return {"postgres": postgres}
        case ProviderName.NEON:
            neon = neon_of(settings, "", clock, structlog.get_logger())
            hurried = replace(neon, answer_timeout=NEONS_ANSWER)
            return {"neon": NeonExamination(neon=hurried, recall=memory.recall)}
        case ProviderName.MEMORY:
            return {}
