"""Text that others wrote: whether it is plain, and how it is shown."""

import unicodedata

_DISGUISING = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})
"""Unicode's categories of controls, invisible marks (those that turn the direction of writing among
them), ends of lines and paragraphs, and halves of surrogate pairs."""


def is_plain(text: str) -> bool:
    """Tell whether the text reads as what it is, in one line, wherever it is shown or written."""
    return not any(unicodedata.category(char) in _DISGUISING for char in text)


def legible(text: str) -> str:
    """Return the text in one line, with escapes for all that a terminal obeys or does not show."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def legible_lines(text: str) -> str:
    """Return the same of a text of several lines."""
    return "\n".join(map(legible, text.split("\n")))
