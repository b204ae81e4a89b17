"""The pause that a Retry-After header requests, in all its forms."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.neon.budget import MAX_HOLD
from adapters.neon.errors import DEFAULT_PAUSE
from adapters.neon.retry_after import parse_retry_after
from domain.errors import ProviderBusy
from tests.support.clock import FakeClock
from tests.unit.adapters.neon.conftest import BRANCH, Wire

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

FORMATS = (
    "%a, %d %b %Y %H:%M:%S GMT",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%a %b %d %H:%M:%S %Y",
    "%a, %d %b %Y %H:%M:%S -0000",
)
"""The three formats of RFC 9110, 5.6.7, and an e-mail format without a time zone."""

SECONDS: dict[str | None, float | None] = {
    "0": 0,
    "7": 7,
    " 12 ": 12,
    "12\x1f": 12,
    "007": 7,
    **{(NOW + timedelta(hours=1)).strftime(form): 3600 for form in FORMATS},
    "Sun, 06 Nov 1994 08:49:37 GMT": 0,
    **dict.fromkeys(["86401", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"], 86_400),
    **dict.fromkeys([None, "", "soon", "-1", "1.5", "1e3", "Sun, 99 Nov 1994 08:49:37 GMT"]),
    "Sun, 06 Nov 1994 08:49:37 +99999999999999": None,
}

IN_HALF_A_MINUTE = format_datetime(FakeClock().now() + timedelta(seconds=30), usegmt=True)

HELD = {
    "seconds": ({"Retry-After": "7"}, 7),
    "a date": ({"Retry-After": IN_HALF_A_MINUTE}, 30),
    "nothing": ({}, DEFAULT_PAUSE),
    "garbage": ({"Retry-After": "soon"}, DEFAULT_PAUSE),
    "longer than the budget takes to fill": ({"Retry-After": "86400"}, MAX_HOLD),
    "an enormous number": ({"Retry-After": "9" * 400}, MAX_HOLD),
}

LIKE_A_DATE = r"[A-Z][a-z]{2}, [0-9]{1,9} [A-Z][a-z]{2} [0-9]{1,9} [0-9:]+ [+-][0-9]{1,20}"


@pytest.mark.parametrize(("header", "seconds"), SECONDS.items())
def test_a_header_is_seconds_up_to_a_day_or_ignored(
    header: str | None, seconds: float | None
) -> None:
    assert parse_retry_after(header, NOW) == seconds


@given(st.text() | st.from_regex(LIKE_A_DATE))
def test_no_header_is_an_error(header: str) -> None:
    seconds = parse_retry_after(header, NOW)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(("headers", "seconds"), HELD.values(), ids=list(HELD))
async def test_a_429_delays_all_requests(
    wire: Wire, headers: dict[str, str], seconds: float
) -> None:
    await _send_refused_call(wire, status=429, headers=headers)
    assert seconds <= wire.clock.passed < seconds + 1


@pytest.mark.parametrize("status", [423, 503])
async def test_a_lock_or_an_outage_delays_no_other_request(wire: Wire, status: int) -> None:
    await _send_refused_call(wire, status=status, headers={"Retry-After": "7"})
    assert wire.clock.passed == 0


async def _send_refused_call(wire: Wire, **answer: Any) -> None:
    """Send a call that is refused, and another one."""
    wire.on("GET", BRANCH, **answer)
    wire.on("GET", f"{BRANCH}/roles", payload={"roles": []})
    with pytest.raises(ProviderBusy):
        await wire.branch.check()
    await wire.branch.list_roles()
