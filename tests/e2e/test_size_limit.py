"""`PGVEND_SIZE_LIMIT` over a server that somebody else runs."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.support.servers import OperatorsServer
from tests.support.service import NotStarted, RunningService, running_service
from tests.support.sizes import measuring


async def test_an_admin_who_may_not_measure_stops_the_start(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    with pytest.raises(NotStarted, match='GRANT pg_read_all_stats TO "admin";'):
        async with _service(tmp_path, server_15):
            pass


async def test_an_admin_who_may_is_taken(server_15: OperatorsServer, tmp_path: Path) -> None:
    async with measuring(server_15), _service(tmp_path, server_15) as service:
        assert await service.stop() == 0


def _service(
    data_dir: Path, server: OperatorsServer
) -> AbstractAsyncContextManager[RunningService]:
    return running_service(
        data_dir,
        PGVEND_PROVIDER="postgres",
        PGVEND_POSTGRES_ADMIN_DSN=server.dsn(),
        PGVEND_SIZE_LIMIT="1GB",
    )
