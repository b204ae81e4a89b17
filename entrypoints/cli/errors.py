"""Errors of the commands, their exit statuses, and how they are printed."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import typer

from domain.errors import InvalidRequest, PgvendError
from domain.text import escape_unprintable_lines

Problem = Mapping[str, Any]
"""A problem (RFC 9457) of the service, or one with the same members of this command."""


class ExitStatus(IntEnum):
    OK = 0
    OTHER = 1
    USAGE = 2
    NOT_FOUND = 3
    AUTHENTICATION = 4
    CONFLICT = 5
    UNREACHABLE = 6
    RETRYABLE = 7
    INTERRUPTED = 130


_STATUSES = {
    400: ExitStatus.USAGE,
    401: ExitStatus.AUTHENTICATION,
    403: ExitStatus.AUTHENTICATION,
    404: ExitStatus.NOT_FOUND,
    409: ExitStatus.CONFLICT,
    412: ExitStatus.CONFLICT,
    422: ExitStatus.USAGE,
    429: ExitStatus.CONFLICT,  # a quota; a rate is retryable
}
"""The exit status of each HTTP status, unless the problem is retryable."""

_CODES = {
    ExitStatus.USAGE: "usage",
    ExitStatus.UNREACHABLE: "unreachable",
    ExitStatus.INTERRUPTED: "interrupted",
}


class RequestError(Exception):
    """The command failed; the message says why. `problem` is what `--json` prints, `retry_after`
    the seconds that the service asks to wait."""

    def __init__(
        self,
        message: str,
        exit_status: ExitStatus = ExitStatus.OTHER,
        *,
        problem: Problem | None = None,
        retry_after: float = 0,
    ) -> None:
        super().__init__(message)
        self.exit_status = exit_status
        self.retry_after = retry_after
        self.problem = problem or create_problem(message, exit_status)


def create_problem(message: str, status: ExitStatus, code: str = "") -> Problem:
    """Return the problem of an error that did not come from the service."""
    code = code or _CODES.get(status, "failed")
    return {
        "type": f"urn:pgvend:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "detail": message,
        "code": code,
        "retryable": status is ExitStatus.RETRYABLE,
    }


def find_exit_status(http_status: int, problem: Problem) -> ExitStatus:
    if problem.get("retryable") is True:
        return ExitStatus.RETRYABLE
    return _STATUSES.get(http_status, ExitStatus.OTHER)


class ErrorFormat:
    """How this process prints errors; `--json` asks for JSON."""

    as_json = False


@contextmanager
def report_errors() -> Iterator[None]:
    """Print an error on standard error, and exit with its status."""
    try:
        yield
    except RequestError as error:
        print_error(str(error), error.problem)
        raise typer.Exit(error.exit_status) from None
    except PgvendError as error:
        status = ExitStatus.USAGE if isinstance(error, InvalidRequest) else ExitStatus.OTHER
        print_error(str(error), create_problem(str(error), status, error.code))
        raise typer.Exit(status) from None


def print_error(message: str, problem: Problem) -> None:
    if ErrorFormat.as_json:
        print(json.dumps(problem), file=sys.stderr)  # in ASCII, without control characters
    else:
        print(f"pgvend: {escape_unprintable_lines(message)}", file=sys.stderr)
