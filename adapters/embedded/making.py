"""A new server's folder."""

import os
import shutil
import tempfile
from pathlib import Path

from adapters.embedded.account import Account
from adapters.embedded.cluster import Cluster
from adapters.embedded.configuration import SUPERUSER
from adapters.embedded.programs import Programs
from adapters.embedded.threads import in_thread
from domain.errors import StartupError

_ENCODING = ("--encoding=UTF8", "--lc-messages=C")
_COLLATION = {
    16: ("--locale=C.UTF-8",),
    18: ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
}
_LOGINS = ("--auth-local=peer", "--auth-host=scram-sha-256")


async def make_cluster(cluster: Cluster, programs: Programs, major: int) -> None:
    """Run initdb beside the place and move the result there: a crash leaves all of it or none."""
    unfinished = await in_thread(_new_folder, cluster, programs.account)
    with cluster.open_log() as log:
        status = await programs.run(
            "initdb",
            f"--pgdata={programs.data_argument(unfinished)}",
            f"--username={SUPERUSER}",
            *_ENCODING,
            *_COLLATION[major],
            *_LOGINS,
            data=unfinished,
            output=log,
        )
    if status != 0:
        raise StartupError(f"PostgreSQL's initdb failed:\n{cluster.log_tail()}")
    unfinished.rename(cluster.data)


def _new_folder(cluster: Cluster, account: Account | None) -> Path:
    if cluster.data.exists() and any(cluster.data.iterdir()):
        raise StartupError(
            f"{cluster.data} is not empty, and PostgreSQL's data is not in it: move it away."
        )
    for left in cluster.folder.glob("data.new*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="data.new-", dir=cluster.folder))
    if account:
        os.chown(folder, account.uid, account.gid)
    return folder
