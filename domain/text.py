"""Untrusted text: a check for invisible characters, and escapes for display."""

import unicodedata

_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})
"""Unicode's categories of control characters, invisible marks (including changes of the writing
direction), line and paragraph separators, and surrogates."""


def is_plain(text: str) -> bool:
    """Return whether the text is one line without invisible characters."""
    return not any(unicodedata.category(char) in _INVISIBLE_CATEGORIES for char in text)


def escape_unprintable(text: str) -> str:
    """Return the text in one line, with escapes for all characters that are not printable."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def escape_unprintable_lines(text: str) -> str:
    """Return the text with its lines, each escaped."""
    return "\n".join(map(escape_unprintable, text.split("\n")))
