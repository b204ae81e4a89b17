"""Sizes and times for people."""

from collections.abc import Mapping
from datetime import datetime, timedelta

SIZES = {"TB": 1 << 40, "GB": 1 << 30, "MB": 1 << 20, "kB": 1 << 10}
TIMES = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "min": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}

AT_LEAST = 2
"""A unit is used from this amount on: 90 min, and 2 h."""


def format_size(size: object) -> str:
    """Return the bytes as `12 MB`, and an empty text if the size is not known."""
    if not isinstance(size, int):
        return ""
    for unit, length in SIZES.items():
        if size >= AT_LEAST * length:
            return f"{size // length} {unit}"
    return f"{size} B"


def format_expiry(expires_at: object, now: datetime) -> str:
    """Return the time as `in 23 h` or `2 d ago`, and an empty text for no expiry."""
    if not isinstance(expires_at, str):
        return ""
    try:
        left = datetime.fromisoformat(expires_at) - now
    except (ValueError, TypeError):
        return expires_at
    text = _format_duration(abs(left))
    return f"in {text}" if left > timedelta() else f"{text} ago"


def _format_duration(duration: timedelta) -> str:
    for unit, length in TIMES.items():
        if duration >= AT_LEAST * length:
            return f"{duration // length} {unit}"
    return f"{duration // TIMES['s']} s"


def to_list_row(database: Mapping[str, object], now: datetime) -> Mapping[str, object]:
    """Return the record with its size and expiry for people."""
    return {
        **database,
        "size": format_size(database.get("size")),
        "expires": format_expiry(database.get("expires_at"), now),
    }
