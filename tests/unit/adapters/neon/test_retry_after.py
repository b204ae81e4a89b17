"""How long Neon asks to be left alone, in whichever way it says so."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.neon.budget import LONGEST_HOLD
from adapters.neon.errors import PAUSE
from adapters.neon.retry_after import DAY, seconds_to_wait
from domain.errors import ProviderBusy
from tests.support.neon.wire import BRANCH, Wire

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

PAST = "Sun, 06 Nov 1994 08:49:37 GMT"

FORMATS = (
    "%a, %d %b %Y %H:%M:%S GMT",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%a %b %d %H:%M:%S %Y",
    "%a, %d %b %Y %H:%M:%S -0000",
)
"""The three of RFC 9110, 5.6.7, and one of mail's that says nothing about its zone."""


@pytest.mark.parametrize(("header", "seconds"), [("0", 0), ("7", 7), (" 12 ", 12), ("007", 7)])
def test_seconds_are_taken_as_they_are(header: str, seconds: float) -> None:
    assert seconds_to_wait(header, NOW) == seconds


@pytest.mark.parametrize("form", FORMATS)
def test_a_date_is_so_far_away_in_each_of_its_formats(form: str) -> None:
    moment = NOW + timedelta(hours=1)

    assert seconds_to_wait(moment.strftime(form), NOW) == 3600


def test_a_date_that_is_over_asks_for_nothing() -> None:
    assert seconds_to_wait(PAST, NOW) == 0


@pytest.mark.parametrize(
    "header",
    [
        "",
        "soon",
        "-1",
        "1.5",
        "1e3",
        "Sun, 99 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 +99999999999999",
    ],
)
def test_garbage_says_nothing(header: str) -> None:
    assert seconds_to_wait(header, NOW) is None


@pytest.mark.parametrize("header", ["86401", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_nobody_is_told_to_wait_longer_than_a_day(header: str) -> None:
    assert seconds_to_wait(header, NOW) == DAY


def test_a_header_that_is_not_there_says_nothing() -> None:
    assert seconds_to_wait(None, NOW) is None


@given(st.text())
def test_no_header_is_an_error(header: str) -> None:
    seconds = seconds_to_wait(header, NOW)

    assert seconds is None or seconds >= 0


@given(st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,9} [A-Z][a-z]{2} [0-9]{1,9} [0-9:]+ [+-][0-9]{1,20}"))
def test_nothing_like_a_date_is_an_error(header: str) -> None:
    seconds = seconds_to_wait(header, NOW)

    assert seconds is None or seconds >= 0


async def test_one_refusal_holds_back_the_requests_of_all(wire: Wire) -> None:
    await _limited(wire, {"Retry-After": "7"})

    wire.on("GET", f"{BRANCH}/roles", payload={"roles": []})
    await wire.branch.roles()

    assert wire.clock.passed == pytest.approx(7, abs=1)
    assert wire.clock.passed >= 7


async def test_they_are_held_back_until_a_date(wire: Wire) -> None:
    until = wire.clock.now() + timedelta(seconds=30)
    await _limited(wire, {"Retry-After": format_datetime(until, usegmt=True)})

    wire.on("GET", f"{BRANCH}/roles", payload={"roles": []})
    await wire.branch.roles()

    assert 30 <= wire.clock.passed < 31


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "soon"}])
async def test_they_are_held_back_a_little_where_nothing_is_said(
    wire: Wire, headers: dict[str, str]
) -> None:
    await _limited(wire, headers)

    wire.on("GET", f"{BRANCH}/roles", payload={"roles": []})
    await wire.branch.roles()

    assert PAUSE <= wire.clock.passed < PAUSE + 1


@pytest.mark.parametrize("header", ["86400", "9" * 400])
async def test_no_header_stops_the_service_for_longer_than_the_budget_takes_to_fill(
    wire: Wire, header: str
) -> None:
    await _limited(wire, {"Retry-After": header})

    wire.on("GET", f"{BRANCH}/roles", payload={"roles": []})
    await wire.branch.roles()

    assert LONGEST_HOLD <= wire.clock.passed < LONGEST_HOLD + 1


@pytest.mark.parametrize("status", [423, 503])
async def test_a_lock_or_an_outage_holds_back_nobody_else(wire: Wire, status: int) -> None:
    wire.on("GET", BRANCH, status=status, headers={"Retry-After": "7"})
    with pytest.raises(ProviderBusy):
        await wire.branch.check()

    wire.on("GET", f"{BRANCH}/roles", payload={"roles": []})
    await wire.branch.roles()

    assert wire.clock.passed == 0


async def _limited(wire: Wire, headers: dict[str, str]) -> None:
    wire.on("GET", BRANCH, status=429, headers=headers)
    with pytest.raises(ProviderBusy):
        await wire.branch.check()
