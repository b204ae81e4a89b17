"""Reading the audit trail; odd things in it, and trouble with it."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from domain.audit import AuditEntry
from domain.errors import Unavailable
from entrypoints.resources import in_memory
from ports.driven.audit import AuditQuery, AuditTrail
from tests.support.keyed import PATH
from tests.support.keyholders import Guarded, guarded_app


@pytest.fixture
async def guarded() -> AsyncIterator[Guarded]:
    async with guarded_app() as guarded:
        yield guarded


async def test_pages_follow_each_other(guarded: Guarded) -> None:
    for number in range(5):
        await guarded.holder(f"caller-{number}")
    whole = await guarded.trail()

    pages: list[list[dict[str, str]]] = []
    token = ""
    while not pages or token:
        page = await guarded.admin.ask("GET", f"/v1/audit?page_size=2&page_token={token}")
        pages.append(page.body["entries"])
        token = page.body["next_page_token"]

    assert [len(page) for page in pages] == [2, 2, 1]
    assert [entry for page in pages for entry in page] == whole


@pytest.mark.parametrize("text", ["%00", "%ED%A0%80", "%FF", "%25", "'", "ANN"])
async def test_who_never_did_anything_is_in_no_entry(guarded: Guarded, text: str) -> None:
    await (await guarded.holder("ann")).vend()

    assert await guarded.trail(f"&caller={text}") == await guarded.trail(f"&subject={text}") == []


@pytest.mark.parametrize(
    ("written", "kept"),
    [("%00", "%00"), ("%0A", "%0A"), ("db_x'", "db_x%27"), ("%C3%A4", "%C3%A4")],
)
async def test_what_is_no_id_is_kept_in_plain_letters(
    guarded: Guarded, written: str, kept: str
) -> None:
    ann = await guarded.holder("ann")
    await ann.ask("DELETE", f"{PATH}/{written}")

    (entry,) = await guarded.trail("&caller=ann")

    assert (entry["subject"], entry["outcome"]) == (kept, "database_not_found")


async def test_an_endless_id_does_not_make_an_endless_entry(guarded: Guarded) -> None:
    ann = await guarded.holder("ann")
    await ann.ask("DELETE", f"{PATH}/{'x' * 3000}")

    (entry,) = await guarded.trail("&caller=ann")

    assert len(entry["subject"]) < 100


async def test_a_trail_that_cannot_be_written_does_not_spoil_the_answer() -> None:
    records = replace(in_memory(), audit=Unwritable())
    with capture_logs() as logs:
        async with guarded_app(records=records) as guarded:
            made = await guarded.admin.vend()

            assert guarded.app.accepts(made["connection"])

    (lost,) = [log for log in logs if log["event"] == "audit.lost"]
    assert (lost["caller"], lost["action"]) == ("admin", "createDatabase")
    assert (lost["subject"], lost["outcome"]) == (made["id"], "done")


class Unwritable(AuditTrail):
    async def append(self, entry: AuditEntry) -> None:
        raise Unavailable("The registry's disk is full.")

    async def read(self, query: AuditQuery) -> list[AuditEntry]:
        raise Unavailable("The registry's disk is full.")
