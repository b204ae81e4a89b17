"""The exporter of databases on PostgreSQL servers."""

from pathlib import Path

from structlog.stdlib import BoundLogger

from adapters.memory.exporter import MemoryExporter
from adapters.memory.provider import MemoryProvider
from adapters.postgres.exports.exporter import PostgresExporter
from adapters.postgres.exports.folder import open_folder
from adapters.postgres.exports.pg_dump import PgDump, check_login
from adapters.postgres.provider import PostgresProvider
from domain.errors import StartupError
from entrypoints.config.programs import find_newest_program
from entrypoints.config.settings import Settings
from ports.driven.cancellation import run_in_thread
from ports.driven.database_provider import DatabaseProvider
from ports.driven.exporter import Exporter

LEFTOVER_MARGIN = 600.0
"""Seconds after the time limit of an export in which its part is not removed as left over."""


async def create_exporter(
    settings: Settings, provider: DatabaseProvider, log: BoundLogger
) -> Exporter | None:
    """Return the exporter for databases of the provider; None if the settings ask for no exports.
    Raises StartupError."""
    if settings.export_dir is None:
        return None
    if isinstance(provider, MemoryProvider):
        return MemoryExporter(provider)
    if not isinstance(provider, PostgresProvider):
        raise StartupError("This provider cannot export databases: remove PGVEND_EXPORT_DIR.")
    check_login(provider.server.admin)
    time_limit = settings.export_timeout.total_seconds()
    max_age = time_limit + LEFTOVER_MARGIN
    return PostgresExporter(
        provider=provider,
        folder=await run_in_thread(open_folder, settings.export_dir, max_age),
        pg_dump=PgDump(
            program=await run_in_thread(_find_pg_dump, settings),
            time_limit=time_limit,
            size_limit=settings.export_max_size.size,
            log=log,
        ),
    )


def _find_pg_dump(settings: Settings) -> Path:
    """Raises StartupError."""
    program = find_newest_program("pg_dump", *settings.export_programs)
    if program is None:
        raise StartupError(
            "PGVEND_EXPORT_DIR is set, but there is no pg_dump: install PostgreSQL's client "
            "programs, of the server's version or a newer one."
        )
    return program
