"""A claim covers roles created within its time, which Neon reports in whole seconds."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from adapters.neon.claims import TIME_RESOLUTION, WINDOW, Claim
from adapters.neon.client import RESPONSE_TIMEOUT

SINCE = datetime(2026, 1, 2, 3, 4, 5, 600_000, tzinfo=UTC)
UNTIL = SINCE + WINDOW
MOMENT = timedelta(microseconds=1)

CLAIM = Claim(
    tenant_id="db_1",
    owner="user_ana",
    database="ana",
    token=UUID(int=7),
    since=SINCE,
    until=UNTIL,
    is_new=False,
    is_open=True,
)

COVERED = [SINCE.replace(microsecond=0), SINCE - TIME_RESOLUTION, SINCE + WINDOW / 2, UNTIL]
NOT_COVERED = [SINCE - TIME_RESOLUTION - MOMENT, UNTIL + MOMENT, SINCE - timedelta(days=1)]


@pytest.mark.parametrize("created_at", [SINCE, SINCE.astimezone(), *COVERED, *NOT_COVERED], ids=str)
def test_a_claim_covers_roles_created_within_its_time(created_at: datetime) -> None:
    assert CLAIM.covers(created_at) is (created_at not in NOT_COVERED)


def test_a_claim_outlasts_any_request() -> None:
    assert WINDOW.total_seconds() > 2 * RESPONSE_TIMEOUT
