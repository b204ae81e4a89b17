"""A service does not begin with a secret that can be guessed; one that has it runs, and is told."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_doctor import _checks, _over
from tests.e2e.test_secrets import NEW, service_under
from tests.support.places import session
from tests.support.servers import OperatorsServer
from tests.support.service import NotStarted
from tests.support.serviced import connection_of, created, rotated

GUESSABLE = "change-me-to-something-long-and-random"


async def checks(server: OperatorsServer, folder: Path, **secrets: str) -> dict[str, Any]:
    return await _checks(folder, **_over(server), **secrets)


async def test_it_is_refused_without_records(server_15: OperatorsServer, tmp_path: Path) -> None:
    for _ in range(2):  # the first start leaves nothing that lets the second one pass
        with pytest.raises(NotStarted) as refused:
            async with service_under(server_15, tmp_path, GUESSABLE):
                pass
        assert "can be guessed" in str(refused.value)
        assert "PGVEND_SECRET" in str(refused.value)
        assert GUESSABLE not in str(refused.value)
    judged = await checks(server_15, tmp_path, PGVEND_SECRET=GUESSABLE)
    assert judged["secret"]["verdict"] == "fail"

    async with service_under(server_15, tmp_path, NEW) as service:
        await created(service)


async def test_with_records_the_service_runs_and_the_doctor_fails_until_all_are_rotated(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with service_under(server_15, tmp_path, NEW) as service:
        await created(service)
    async with service_under(server_15, tmp_path, GUESSABLE, NEW) as service:
        made = await created(service)
        assert "secret.guessable" in service.output()
        assert GUESSABLE not in service.output()
    before = await checks(server_15, tmp_path, PGVEND_SECRET=GUESSABLE, PGVEND_SECRET_PREVIOUS=NEW)
    given = {"PGVEND_SECRET": NEW, "PGVEND_SECRET_PREVIOUS": GUESSABLE}
    changed = await checks(server_15, tmp_path, **given)
    async with service_under(server_15, tmp_path, NEW, GUESSABLE) as service:
        assert await connection_of(service, made) == made["connection"]
        after = await rotated(service, made)
        async with session({"dsn": after["connection"]["uri"]}):
            pass
    done = await checks(server_15, tmp_path, **given)

    assert (before["secret"]["verdict"], "guessed" in before["secret"]["detail"]) == ("fail", True)
    assert (changed["secret"]["verdict"], changed["passwords"]["verdict"]) == ("ok", "fail")
    assert (done["secret"]["verdict"], done["passwords"]["verdict"]) == ("ok", "ok")
