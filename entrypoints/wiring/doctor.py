"""The doctor: the checks that fit the settings, over connections that are opened for them alone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog

from adapters.embedded.doctor import EmbeddedChecks
from adapters.neon.doctor import NeonDoctorChecks
from adapters.postgres.doctor.checks import OPERATOR_CHECKS, SIZE_LIMIT_CHECKS, PostgresChecks
from adapters.postgres.doctor.context import LocalState
from adapters.registry.doctor import PostgresRegistryChecks, RegistryChecks, SqliteRegistryChecks
from adapters.registry.snapshot import RegistrySnapshot
from adapters.system.clock import SystemClock
from domain.errors import StartupError
from domain.passwords import derive_secret_name
from domain.spares import SpareLevel
from entrypoints.config.data_folder import find_secret
from entrypoints.config.provider import ProviderName
from entrypoints.config.settings import Settings
from entrypoints.doctor.exports import ExportChecks
from entrypoints.doctor.secret import SecretChecks
from entrypoints.doctor.settings import SettingsChecks
from entrypoints.doctor.spares import SpareChecks
from entrypoints.wiring.neon import create_neon_config
from entrypoints.wiring.resources import create_embedded_options, create_operators_server
from ports.driven.clock import Clock
from ports.driven.doctor import DoctorChecks
from ports.use_cases.run_doctor import RunDoctor

NEON_RESPONSE_TIMEOUT = 10.0
"""Seconds: several calls that time out have to fit into the time limit of one group of checks."""


def create_doctor(settings: Settings) -> RunDoctor:
    records = _create_registry_checks(settings)
    reader = _RegistryReader(settings, records)
    checks: dict[str, DoctorChecks] = {
        "settings": SettingsChecks(settings),
        "secret": SecretChecks(settings, reader.read_installation),
        "exports": ExportChecks(settings),
    }
    if records:
        checks["records"] = records
        checks["spares"] = SpareChecks(settings, reader.list_spares)
    checks |= _create_provider_checks(settings, reader, SystemClock())
    return RunDoctor(parts=checks)


@dataclass(frozen=True)
class _RegistryReader:
    """The contents of the registry, read without the provider. Other checks treat a registry that
    cannot be read as an empty one: its own check reports the error."""

    settings: Settings
    records: RegistryChecks | None

    async def read_installation(self) -> RegistrySnapshot:
        try:
            return await self.records.take_snapshot() if self.records else RegistrySnapshot()
        except StartupError:
            return RegistrySnapshot()

    async def list_spares(self) -> list[SpareLevel]:
        contents = await self.read_installation()
        return contents.list_spares(self.settings.target.name, self.settings.spares)

    async def load_local_state(self) -> LocalState:
        contents = await self.read_installation()
        record_ids = {each.id for each in contents.live if each.target == self.settings.target.name}
        return LocalState(installation=await self._find_name(contents), record_ids=record_ids)

    async def _find_name(self, contents: RegistrySnapshot) -> str | None:
        """Return the installation's name as at a start, but without creating a secret."""
        secret = find_secret(self.settings)
        if secret is None:
            return contents.installation_name
        return await contents.name(derive_secret_name(self.settings.oldest_secret(secret)))


def _create_registry_checks(settings: Settings) -> RegistryChecks | None:
    if settings.registry_url:
        return PostgresRegistryChecks(settings.registry_url.get_secret_value())
    return SqliteRegistryChecks(settings.registry_file) if settings.registry_file else None


def _create_provider_checks(
    settings: Settings, reader: _RegistryReader, clock: Clock
) -> Mapping[str, DoctorChecks]:
    match settings.provider:
        case ProviderName.EMBEDDED:
            options = create_embedded_options(settings)
            embedded = EmbeddedChecks(
                options=options, load_local_state=reader.load_local_state, clock=clock
            )
            return {"embedded": embedded}
        case ProviderName.POSTGRES:
            postgres = PostgresChecks(
                server=create_operators_server(settings),
                load_local_state=reader.load_local_state,
                clock=clock,
                setting="PGVEND_POSTGRES_ADMIN_DSN",
                check_functions=OPERATOR_CHECKS
                if settings.size_limit is None
                else SIZE_LIMIT_CHECKS,
            )
            return {"postgres": postgres}
        case ProviderName.NEON:
            neon = create_neon_config(settings, "", clock, structlog.get_logger())
            neon = replace(neon, response_timeout=NEON_RESPONSE_TIMEOUT)
            return {"neon": NeonDoctorChecks(neon=neon, load_local_state=reader.load_local_state)}
        case ProviderName.MEMORY:
            return {}
