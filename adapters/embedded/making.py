"""A new server's folder."""

import os
import shutil

from adapters.embedded.cluster import Cluster
from adapters.embedded.configuration import SUPERUSER
from adapters.embedded.programs import Programs
from domain.errors import StartupError

_ENCODING = ("--encoding=UTF8", "--lc-messages=C")
_COLLATION = {
    16: ("--locale=C.UTF-8",),
    18: ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
}
_LOGINS = ("--auth-local=peer", "--auth-host=scram-sha-256")


async def make_cluster(cluster: Cluster, programs: Programs, major: int) -> None:
    """Run initdb beside the place and move the result there: a crash leaves all of it or none."""
    unfinished = cluster.folder / "data.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    if programs.account:
        os.chown(unfinished, programs.account.uid, programs.account.gid)
    with cluster.open_log() as log:
        initdb = await programs.start(
            "initdb",
            f"--pgdata={programs.data_argument(unfinished)}",
            f"--username={SUPERUSER}",
            *_ENCODING,
            *_COLLATION[major],
            *_LOGINS,
            data=unfinished,
            output=log,
        )
        if await initdb.wait() != 0:
            raise StartupError(f"PostgreSQL's initdb failed:\n{cluster.log_tail()}")
    unfinished.rename(cluster.data)
