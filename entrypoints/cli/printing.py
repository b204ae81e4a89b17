"""Answers on a terminal, or in a pipe."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from domain.connection import Connection
from domain.secret import Secret
from entrypoints.cli.asking import NoPgvend
from entrypoints.formats import Format


def print_json(answer: Any) -> None:
    print(json.dumps(answer, indent=2))


def print_connection(told: Any, form: Format) -> None:
    """Raises NoPgvend when `told` is no connection."""
    _print_written(_connection(told), form)


def print_handed_out(answer: Mapping[str, Any], form: Format, *, as_json: bool) -> None:
    """The whole answer, or the connection that is in it. Raises NoPgvend when there is none."""
    connection = _connection(answer.get("connection"))
    if as_json:
        print_json(answer)
    else:
        _print_written(connection, form)


def print_table(heads: Sequence[str], rows: Iterable[Any]) -> None:
    """A line for every row, with its members of these names. Raises NoPgvend when one lacks."""
    lines = [[head.upper() for head in heads], *(_cells(heads, row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(padded).rstrip())


def print_members(answer: Mapping[str, Any]) -> None:
    """A line for every member, and for every item of those that are lists."""
    width = max(map(len, answer), default=0)
    for name, value in answer.items():
        for item in value if isinstance(value, list) and value else [value]:
            print(f"{_shown(name).ljust(width)}  {_cell(item)}")


def member(answer: Mapping[str, Any], name: str) -> Any:
    """Raises NoPgvend when there is none."""
    if name not in answer:
        raise NoPgvend
    return answer[name]


def _print_written(connection: Connection, form: Format) -> None:
    print(form.render(connection).removesuffix("\n"))


def _connection(told: Any) -> Connection:
    match told:
        case {
            "host": str(host),
            "port": int(port),
            "database": str(database),
            "user": str(user),
            "password": str(password),
            "sslmode": str(sslmode),
        }:
            return Connection(
                host=host,
                port=port,
                database=database,
                user=user,
                password=Secret(password),
                sslmode=sslmode,
                pooler_host=told.get("pooler_host"),
            )
    raise NoPgvend


def _cells(heads: Sequence[str], row: Any) -> list[str]:
    if not isinstance(row, dict):
        raise NoPgvend
    return [_cell(member(row, head)) for head in heads]


def _cell(value: Any) -> str:
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
    return _shown(text) or "-"


def _shown(text: str) -> str:
    """A nickname may hold what turns a terminal's writing around, or what it has no letters for."""
    encoding = sys.stdout.encoding
    legible = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return legible.encode(encoding, "backslashreplace").decode(encoding)
