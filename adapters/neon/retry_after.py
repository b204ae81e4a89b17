"""The pause that Neon requests in a Retry-After header."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_WAIT = 86_400.0
"""Seconds: the maximum pause, whatever the header requests."""


def parse_retry_after(retry_after: str | None, now: datetime) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110, 10.2.3): a number or a date."""
    if retry_after is None:
        return None
    number = retry_after.strip()
    if number.isdecimal():
        return min(float(number), MAX_WAIT)
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:  # as in the oldest of the three formats
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - now).total_seconds()), MAX_WAIT)
