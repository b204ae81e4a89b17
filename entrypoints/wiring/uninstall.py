"""The removal of pgvend from this machine, by its settings."""

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from adapters.embedded.removal import ServerProcesses, SharedAccount
from adapters.registry.doctor import SqliteRegistryChecks
from adapters.system.own_folder import OwnFolder
from domain.errors import PgvendError
from entrypoints.config.data_folder import CONTENTS, LOCKS
from entrypoints.config.environment import ENV_FILE
from entrypoints.config.profiles import find_config_file
from entrypoints.config.provider import ProviderName
from entrypoints.config.settings import Settings
from ports.driven.installed_part import InstalledItem
from ports.use_cases.uninstall import Uninstall

ELSEWHERE = "not on this machine"
BY_HAND = "remove it by hand"


def create_uninstall(settings: Settings, *, keeps_shared: bool) -> Uninstall:
    folder = Path(os.path.abspath(settings.data_dir))
    server = folder / "embedded"
    return Uninstall(
        parts=(
            ServerProcesses(folder=server),
            OwnFolder(path=folder, contents=_describe_entries(settings), locks=LOCKS),
            SharedAccount(folder=server, is_kept=keeps_shared),
        ),
        others=(*_list_servers(settings), *_list_files(settings)),
    )


def _describe_entries(settings: Settings) -> Mapping[str, str]:
    """Return the contents of the data folder, with the number of databases in the records."""
    count = _count_databases(settings.registry_file)
    if count is None:
        return CONTENTS
    return {**CONTENTS, "registry.sqlite3": f"the records; databases: {count}"}


def _count_databases(file: Path | None) -> int | None:
    """Return the number of callers' databases; None if the records cannot be read."""
    if file is None or not file.exists():
        return None
    try:
        return len(asyncio.run(SqliteRegistryChecks(file).take_snapshot()).databases)
    except PgvendError:
        return None


def _list_servers(settings: Settings) -> Iterator[InstalledItem]:
    match settings.provider:
        case ProviderName.POSTGRES:
            place = "the server of PGVEND_POSTGRES_ADMIN_DSN"
        case ProviderName.NEON:
            place = "Neon"
        case _:
            place = ""
    if place:
        yield InstalledItem(place, "databases and roles", kept=ELSEWHERE)
    if settings.registry_url:
        yield InstalledItem("the database of PGVEND_REGISTRY_URL", "the records", kept=ELSEWHERE)


def _list_files(settings: Settings) -> Iterator[InstalledItem]:
    if settings.export_dir and settings.export_dir.exists():
        yield InstalledItem(str(settings.export_dir), "exported databases", kept=BY_HAND)
    if Path(ENV_FILE).exists():
        yield InstalledItem(str(Path(ENV_FILE).absolute()), "settings", kept=BY_HAND)
    if find_config_file().exists():
        yield InstalledItem(str(find_config_file()), "addresses and keys", kept=BY_HAND)
    yield InstalledItem(sys.prefix, "the program itself", kept=BY_HAND)
