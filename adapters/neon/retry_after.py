"""How long Neon asks to be left alone."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

DAY = 86_400.0
"""Seconds: nobody is told to wait longer, however long a header's number is."""


def seconds_to_wait(retry_after: str | None, now: datetime) -> float | None:
    """Of a Retry-After header (RFC 9110, 10.2.3): seconds, or a date."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return min(float(retry_after), DAY)
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:  # as in the oldest of the three formats
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - now).total_seconds()), DAY)
