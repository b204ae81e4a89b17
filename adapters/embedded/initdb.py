"""Creation of a new server's data folder with initdb."""

import os
import shutil
import tempfile
from pathlib import Path

from adapters.embedded.account import Account
from adapters.embedded.cluster import Cluster
from adapters.embedded.configuration import INITDB_CONFIGURATION, SUPERUSER
from adapters.embedded.files import read_file
from adapters.embedded.programs import DATA, Programs
from domain.errors import StartupError
from ports.driven.cancellation import run_in_thread

_ENCODING = ("--encoding=UTF8", "--lc-messages=C")
_LOGINS = ("--auth-local=peer", "--auth-host=scram-sha-256")

FIRST_WITH_BUILTIN_LOCALES = 17


async def create_cluster(cluster: Cluster, programs: Programs) -> None:
    """Run initdb in a temporary folder and rename the result: a crash leaves a complete folder or
    none. Raises StartupError."""
    if cluster.data.exists() and any(cluster.data.iterdir()):
        raise StartupError(
            f"{cluster.data} contains files that are not PostgreSQL's: move it away."
        )
    (await _run_initdb(cluster, programs)).rename(cluster.data)


async def generate_configuration(cluster: Cluster, programs: Programs) -> str:
    """Return the postgresql.conf that initdb writes for these programs. Raises StartupError."""
    folder = await _run_initdb(cluster, programs)
    try:
        return read_file(folder / INITDB_CONFIGURATION) or ""
    finally:
        await run_in_thread(shutil.rmtree, folder)


async def _run_initdb(cluster: Cluster, programs: Programs) -> Path:
    """Return a new data folder at a temporary path. Raises StartupError."""
    unfinished = await run_in_thread(_create_folder, cluster, programs.account)
    with cluster.open_log() as log:
        status = await programs.run(
            "initdb",
            f"--pgdata={DATA}",
            f"--username={SUPERUSER}",
            *_ENCODING,
            *_collation_options(programs.major),
            *_LOGINS,
            data=unfinished,
            output=log,
        )
    if status != 0:
        raise StartupError(f"PostgreSQL's initdb failed:\n{cluster.read_log_tail()}")
    return unfinished


def _collation_options(major: int) -> tuple[str, ...]:
    if major < FIRST_WITH_BUILTIN_LOCALES:
        return ("--locale=C.UTF-8",)
    return ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")


def _create_folder(cluster: Cluster, account: Account | None) -> Path:
    for leftover in cluster.folder.glob("data.new*"):
        shutil.rmtree(leftover, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="data.new-", dir=cluster.folder))
    if account:
        os.chown(folder, account.uid, account.gid)
    return folder
