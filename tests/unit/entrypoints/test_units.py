"""Sizes and times for people."""

from datetime import UTC, datetime

import pytest

from entrypoints.cli.units import format_expiry, format_size

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, ""),
        (0, "0 B"),
        (2047, "2047 B"),
        (2048, "2 kB"),
        (12 << 20, "12 MB"),
        (3 << 40, "3 TB"),
    ],
)
def test_sizes_are_in_the_largest_unit_of_which_there_are_two(size: object, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("expires_at", "text"),
    [
        (None, ""),
        ("2026-01-02T03:04:35Z", "in 30 s"),
        ("2026-01-02T04:34:05Z", "in 90 min"),
        ("2026-01-03T02:04:05+00:00", "in 23 h"),
        ("2026-01-09T03:04:05Z", "in 7 d"),
        ("2026-01-02T01:04:04Z", "2 h ago"),
        ("soon", "soon"),
    ],
)
def test_expiries_are_relative(expires_at: object, text: str) -> None:
    assert format_expiry(expires_at, NOW) == text
