"""The strength of secrets: detection of those that can be guessed."""

import re
from collections.abc import Callable, Iterator

from domain.secrets import Secret

MIN_LENGTH = 32
"""Characters: all shorter secrets can be tried, whatever their characters are."""

MIN_DISTINCT = 8
MIN_UNPREDICTABLE = 16
"""Characters outside of placeholders, sequences and repetitions."""

MAX_CHECKED = 1000
"""Characters that are checked, from the beginning: the search for repetitions is quadratic."""

_PLACEHOLDERS = """
    admin administrator base64 battery change character characters chars correct default demo dev
    development dummy enter example fixme generate generated hex here horse hunter insecure insert
    jwt key keys least letmein local localhost long neon openssl passphrase passwd password
    pgvend placeholder please postgres postgresql prod production rand random replace root sample
    secret secrets something staging staple string super test testing this todo token unsafe
    value very welcome with your
"""
"""Words from documentation, examples and forms."""

_WORDS = re.compile("|".join(sorted(_PLACEHOLDERS.split(), key=len, reverse=True)))

_LEET = str.maketrans("013457@$", "oieastas")

_KEYBOARD_ROWS = (
    *("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiop", "asdfghjkl", "zxcvbnm"),
    *("1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "q1w2e3r4t5y6u7i8o9p0"),
)
_SEQUENCES = (*_KEYBOARD_ROWS, *(row[::-1] for row in _KEYBOARD_ROWS))

_SHORTEST_MATCH = 4
"""Characters: repetitions and sequences in random text are shorter."""


def find_weakness(secret: Secret) -> str | None:
    """Return why the secret can be guessed, without any part of it, or None.

    Detects secrets that people type instead of generating them. A secret that passes may still be
    known to someone; the output of `openssl rand` passes.
    """
    text = secret.reveal().lower()
    if len(text) < MIN_LENGTH:
        return f"it is shorter than {MIN_LENGTH} characters"
    if len(_find_period(text[:MAX_CHECKED])) < MIN_LENGTH:
        return "it repeats itself"
    if len(set(text)) < MIN_DISTINCT:
        return f"it has fewer than {MIN_DISTINCT} different characters"
    if _count_unpredictable(text[:MAX_CHECKED]) < MIN_UNPREDICTABLE:
        return "it consists of words, sequences and repetitions that are easy to guess"
    return None


def _find_period(text: str) -> str:
    """Return the part that the text repeats, the last time perhaps cut short, or the whole text."""
    lengths = range(1, len(text) // 2 + 1)
    return next((text[:size] for size in lengths if text[size:] == text[:-size]), text)


def _count_unpredictable(text: str) -> int:
    """Count the letters and digits that belong to no word, sequence or repetition."""
    without_rows = "".join(_blank_out(text, _measure_row))
    without_words = _WORDS.sub(" ", without_rows.translate(_LEET))
    return sum(part.isalnum() for part in _blank_out(without_words, _measure_repetition))


def _blank_out(text: str, measure: Callable[[str, int], int]) -> Iterator[str]:
    """Yield the characters, with a space in place of each part that `measure` finds."""
    place = 0
    while place < len(text):
        length = measure(text, place)
        yield " " if length else text[place]
        place += length or 1


def _measure_row(text: str, place: int) -> int:
    return _measure_longest(text, place, lambda part: any(part in row for row in _SEQUENCES))


def _measure_repetition(text: str, place: int) -> int:
    return _measure_longest(text, place, lambda part: part in text[: place + len(part) - 1])


def _measure_longest(text: str, place: int, is_known: Callable[[str], bool]) -> int:
    """Return the length of the longest known part at that position; 0 if it is too short."""
    length = 0
    for end in range(place + _SHORTEST_MATCH, len(text) + 1):
        if not is_known(text[place:end]):
            break
        length = end - place
    return length
