"""Which roles a claim covers: those made within its time, as far as Neon tells it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from adapters.neon.client import ANSWER_TIMEOUT
from adapters.neon.ledger import TRUNCATED, WINDOW, Claim

SINCE = datetime(2026, 1, 2, 3, 4, 5, 600_000, tzinfo=UTC)
UNTIL = SINCE + WINDOW
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    "made_at",
    [
        SINCE,
        SINCE.replace(microsecond=0),
        SINCE - TRUNCATED,
        SINCE + WINDOW / 2,
        UNTIL,
        SINCE.astimezone(),
    ],
)
def test_covers_what_was_made_within_its_time(made_at: datetime) -> None:
    assert _claim().covers(made_at)


@pytest.mark.parametrize(
    "made_at",
    [SINCE - TRUNCATED - MOMENT, UNTIL + MOMENT, SINCE - timedelta(days=1)],
)
def test_does_not_cover_what_was_made_before_or_after(made_at: datetime) -> None:
    assert not _claim().covers(made_at)


def test_lasts_longer_than_any_request() -> None:
    assert WINDOW.total_seconds() > 2 * ANSWER_TIMEOUT


def _claim() -> Claim:
    return Claim(
        tenant_id="db_1",
        owner="user_ana",
        database="ana",
        token=UUID(int=7),
        since=SINCE,
        until=UNTIL,
        is_new=False,
        is_open=True,
    )
