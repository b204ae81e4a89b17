"""Output of created databases: in a format of connections, as a table, CSV or JSON."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from entrypoints.cli.client import get_member
from entrypoints.cli.errors import ExitStatus, RequestError
from entrypoints.cli.options import CSV, DEFAULT_FORMAT
from entrypoints.cli.printing import (
    parse_connection,
    print_json,
    print_result,
    print_table,
    print_text,
    write_authorities,
)
from entrypoints.formats import choose_format

COLUMNS = ("nickname", "database", "user", "password", "host", "port", "uri", "expires_at", "id")

Created = Mapping[str, Any]
"""The record of a database with its connection, as the service answers it."""


@dataclass(frozen=True, slots=True)
class Output:
    format_name: str
    as_json: bool
    ca_file: Path | None

    def check_many(self) -> None:
        """Raises RequestError if the format is for one database only."""
        if not self.as_json and self.format_name not in {DEFAULT_FORMAT, CSV}:
            raise RequestError(
                f"The format {self.format_name} is for one database: use --format csv or --json.",
                ExitStatus.USAGE,
            )

    def print_one(self, created: Created) -> None:
        if self.format_name == CSV and not self.as_json:
            self._print_csv([created])
        else:
            name = DEFAULT_FORMAT if self.format_name == CSV else self.format_name
            form = choose_format(name, None)
            print_result(created, form, as_json=self.as_json, ca_file=self.ca_file)

    def print_many(self, created: Sequence[Created]) -> None:
        if self.as_json:
            print_json({"databases": created})
        elif self.format_name == CSV:
            self._print_csv(created)
        elif created:
            print_table(("nickname", "uri"), map(self._to_row, created))

    def _print_csv(self, created: Sequence[Created]) -> None:
        text = StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(self._to_row, created))
        print_text(text.getvalue())

    def _to_row(self, created: Created) -> Mapping[str, Any]:
        connection = parse_connection(get_member(created, "connection"))
        return {
            "nickname": get_member(created, "nickname"),
            "database": connection.database,
            "user": connection.user,
            "password": connection.password.reveal(),
            "host": connection.host,
            "port": connection.port,
            "uri": connection.uri(write_authorities(connection, self.ca_file)),
            "expires_at": get_member(created, "expires_at"),
            "id": get_member(created, "id"),
        }


def choose_output(format_name: str, *, as_json: bool, ca_file: Path | None) -> Output:
    """Return the output of that format. Raises InvalidRequest if there is no such format."""
    if format_name != CSV:
        choose_format(format_name, None)
    return Output(format_name, as_json, ca_file)
