"""Output of answers: JSON, tables and connections."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from domain.connection import Connection
from domain.text import escape_unprintable, escape_unprintable_lines
from entrypoints.cli.client import NotPgvend, get_member
from entrypoints.cli.errors import RequestError
from entrypoints.formats import Format, parse_members


def print_json(answer: Any) -> None:
    print(json.dumps(answer, indent=2))


def print_line(text: str) -> None:
    """Print text that can be from other people."""
    print(_escape(text))


def print_connection(answer: Any, form: Format, ca_file: Path | None = None) -> None:
    """Raises NotPgvend if the answer is not a connection."""
    _print_rendered(parse_connection(answer), form, ca_file)


def print_result(
    answer: Mapping[str, Any], form: Format, *, as_json: bool, ca_file: Path | None = None
) -> None:
    """Print the complete answer, or the connection in it. Raises NotPgvend if it has none."""
    connection = parse_connection(answer.get("connection"))
    if as_json:
        print_json(answer)
    else:
        _print_rendered(connection, form, ca_file)


def print_table(heads: Sequence[str], rows: Iterable[Any], *, file: TextIO | None = None) -> None:
    """Print a line for each row, with the members that `heads` names, to standard output or `file`.

    Raises NotPgvend if one is missing.
    """
    lines = [[head.upper() for head in heads], *(_format_row(heads, row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(padded).rstrip(), file=file)


def print_members(answer: Mapping[str, Any]) -> None:
    """Print a line for each member, and one for each item of a list."""
    width = max(map(len, answer), default=0)
    for name, value in answer.items():
        for item in value if isinstance(value, list) and value else [value]:
            print(f"{_escape(name).ljust(width)}  {_format_cell(item)}")


def _print_rendered(connection: Connection, form: Format, ca_file: Path | None) -> None:
    print_text(form.render(connection, write_authorities(connection, ca_file)))


def print_text(text: str) -> None:
    """Print lines, with escapes for what a terminal would execute."""
    text = text.removesuffix("\n")
    print(escape_unprintable_lines(text) if sys.stdout.isatty() else text)


def write_authorities(connection: Connection, ca_file: Path | None) -> str | None:
    """Write the connection's certificate authorities to `ca_file`, and return its absolute path.
    Return None if the connection has none, or `ca_file` is None. Raises RequestError."""
    if ca_file is None or connection.sslrootcert is None:
        return None
    try:
        ca_file.write_text(connection.sslrootcert, "ascii")
    except OSError as error:
        raise RequestError(
            f"{ca_file} cannot be written ({error.strerror}): use another file for --ca-file."
        ) from error
    return str(ca_file.absolute())


def parse_connection(answer: Any) -> Connection:
    """Raises NotPgvend if the answer is not a connection."""
    try:
        return parse_members(answer)
    except ValueError:
        raise NotPgvend from None


def _format_row(heads: Sequence[str], row: Any) -> list[str]:
    if not isinstance(row, dict):
        raise NotPgvend
    return [_format_cell(get_member(row, head)) for head in heads]


def _format_cell(value: Any) -> str:
    match value:
        case {"name": name, "state": state, "at": at, **more}:  # a step
            text = " ".join(map(str, (name, state, at, *more.values())))
        case dict():
            text = ", ".join(f"{key}={item}" for key, item in value.items())
        case None | []:
            text = ""
        case list():
            text = ", ".join(map(str, value))
        case _:
            text = str(value)
    return _escape(text) or "-"


def _escape(text: str) -> str:
    """Escape control characters, and characters that the terminal cannot print."""
    encoding = sys.stdout.encoding
    return escape_unprintable(text).encode(encoding, "backslashreplace").decode(encoding)
