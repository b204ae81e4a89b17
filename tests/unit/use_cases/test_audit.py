"""Writing down who did what, and reading it."""

import pytest

from adapters.memory.audit import MemoryAuditTrail
from domain.audit import Deed
from domain.errors import InvalidPageToken
from domain.identity import is_id, new_id
from ports.driving.audit import Audit, AuditRequest
from ports.driving.pages import token_of
from tests.support.clock import FakeClock
from tests.support.randomness import SeededRandomness


def auditing() -> tuple[Audit, FakeClock]:
    clock = FakeClock()
    return Audit(trail=MemoryAuditTrail(), clock=clock, randomness=SeededRandomness()), clock


async def five(audit: Audit, clock: FakeClock) -> None:
    for number in range(5):
        clock.passed += 1
        caller = "ann" if number % 2 else "bob"
        await audit.write_down(Deed(caller=caller, action="createDatabase", subject=f"db_{number}"))


async def test_what_is_written_down_can_be_read() -> None:
    audit, clock = auditing()
    deed = Deed(
        caller="ann",
        key="pgv_00000000",
        action="deleteDatabase",
        subject="db_1",
        address="192.0.2.1",
        request_id="r",
        outcome="forbidden",
    )

    await audit.write_down(deed)

    (entry,) = (await audit.read(AuditRequest())).entries
    assert (entry.caller, entry.key, entry.action) == ("ann", "pgv_00000000", "deleteDatabase")
    assert (entry.subject, entry.address) == ("db_1", "192.0.2.1")
    assert (entry.request_id, entry.outcome) == ("r", "forbidden")
    assert entry.at == clock.now()
    assert is_id(entry.id, "aud_")


async def test_pages_follow_each_other_without_a_gap() -> None:
    audit, clock = auditing()
    await five(audit, clock)

    pages: list[list[str]] = []
    token = ""
    while not pages or token:
        page = await audit.read(AuditRequest(page_token=token, page_size=2))
        pages.append([entry.subject for entry in page.entries])
        token = page.next_page_token

    assert pages == [["db_4", "db_3"], ["db_2", "db_1"], ["db_0"]]


async def test_what_is_written_down_meanwhile_does_not_move_the_next_page() -> None:
    audit, clock = auditing()
    await five(audit, clock)
    first = await audit.read(AuditRequest(page_size=2))
    await five(audit, clock)

    second = await audit.read(AuditRequest(page_token=first.next_page_token, page_size=2))

    assert [entry.subject for entry in second.entries] == ["db_2", "db_1"]


async def test_a_page_that_holds_the_last_one_is_the_last_page() -> None:
    audit, clock = auditing()
    await five(audit, clock)

    assert (await audit.read(AuditRequest(page_size=5))).next_page_token == ""


async def test_a_caller_and_a_subject_can_be_asked_for() -> None:
    audit, clock = auditing()
    await five(audit, clock)

    anns = await audit.read(AuditRequest(caller="ann", page_size=1))
    more = await audit.read(AuditRequest(caller="ann", page_token=anns.next_page_token))
    one = await audit.read(AuditRequest(subject="db_2"))

    told = [[entry.subject for entry in page.entries] for page in (anns, more, one)]
    assert told == [["db_3"], ["db_1"], ["db_2"]]


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "%",
        "ä",
        "\ud800",
        "=",
        "AAAA",
        token_of("'; --"),
        token_of("aud_"),
        "x" * 10_000,
        token_of("aud_" + "z" * 26),
        token_of("aud_" + "0" * 25),
        token_of("\0"),
    ],
    ids=lambda token: ascii(token)[:20],
)
async def test_a_token_that_is_none_is_refused(token: str) -> None:
    audit, _ = auditing()

    with pytest.raises(InvalidPageToken):
        await audit.read(AuditRequest(page_token=token))


async def test_a_token_of_another_list_is_refused() -> None:
    audit, clock = auditing()
    token = token_of(new_id(clock.now(), bytes(10)))

    with pytest.raises(InvalidPageToken):
        await audit.read(AuditRequest(page_token=token))
