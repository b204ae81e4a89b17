"""SQL scripts of pg_dump, without the parts that only another owner or a superuser can execute."""

import re
from collections.abc import Iterable, Iterator

from domain.errors import InvalidRequest

HEADER = b"-- PostgreSQL database dump"
"""The beginning of a script of pg_dump, after `--` and a blank line."""

_FOOTER = b"-- PostgreSQL database dump complete"

HEAD_SIZE = 512

_OMITTED = re.compile(
    rb"""
      ALTER\ .+\ OWNER\ TO\ .+;
    | (GRANT|REVOKE|ALTER\ DEFAULT\ PRIVILEGES|SET\ SESSION\ AUTHORIZATION)\ .+;
    | (CREATE|ALTER|DROP|COMMENT\ ON)\ DATABASE\ .+;
    | \\connect\ .+
    | (BEGIN|COMMIT);                          # around large objects
    | SET\ transaction_timeout\ =\ .+;          # unknown to servers before PostgreSQL 17
    | SET\ default_tablespace\ =\ (?!'';).+;
    """,
    re.VERBOSE,
)
_COPY = re.compile(rb"COPY .+ FROM stdin;")
_END_OF_COPY = b"\\."
_OPENING = re.compile(
    rb"""--|(?<![\w$])[eE]'|'|"|(?<![\w$])\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$"""
)
_IN_ESCAPED_STRING = re.compile(rb"\\.|'", re.DOTALL)


def is_dump(head: bytes) -> bool:
    """Return whether the beginning of a script is that of pg_dump."""
    return HEADER in head


def omit_owners(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a script of pg_dump, with a blank line for each statement that names
    owners, privileges, tablespaces or the database itself, or that begins or ends a transaction, so
    that numbers of lines stay. Raises InvalidRequest at the end of a dump that is not complete.

    Data is not changed: rows of COPY, and lines inside quotes.
    """
    quotes, is_copying, is_complete = Quotes(), False, False
    for line in lines:
        text = line.rstrip(b"\r\n")
        if is_copying:
            is_copying = text != _END_OF_COPY
            yield line
            continue
        is_start = not quotes.are_open
        quotes.read(text)
        is_whole = is_start and not quotes.are_open
        is_copying = is_whole and _COPY.fullmatch(text) is not None
        is_complete |= is_whole and text == _FOOTER
        yield b"\n" if is_whole and _OMITTED.fullmatch(text) else line
    if not is_complete:
        raise InvalidRequest(
            f"The dump is not complete: the line {_FOOTER.decode()!r} at its end is missing. "
            "Nothing was loaded: dump the database again."
        )


class Quotes:
    """The quotes that are open at the end of the lines that were read."""

    def __init__(self) -> None:
        self._open = b""

    @property
    def are_open(self) -> bool:
        return bool(self._open)

    def read(self, line: bytes) -> None:
        position: int | None = 0
        while position is not None:
            position = self._find_end(line, position) if self._open else self._skip(line, position)

    def _skip(self, line: bytes, position: int) -> int | None:
        """Return the position after the next opening quote, None if there is not one."""
        found = _OPENING.search(line, position)
        if found is None or found[0] == b"--":
            return None
        self._open = found[0].lower() if found[0] == b"E'" else found[0]
        return found.end()

    def _find_end(self, line: bytes, position: int) -> int | None:
        """Return the position after the closing quote, None if it is not in this line. A doubled
        quote closes and opens again."""
        if self._open == b"e'":
            ends = _IN_ESCAPED_STRING.finditer(line, position)
            end = next((each.end() for each in ends if each[0] == b"'"), None)
        else:
            start = line.find(self._open, position)
            end = None if start < 0 else start + len(self._open)
        if end is not None:
            self._open = b""
        return end
