"""structlog, configured once: short lines in a terminal, JSON elsewhere, on standard error."""

import io
import logging
import logging.config
import sys
from contextlib import suppress
from functools import partial
from typing import TextIO

import structlog
from aiohttp.http_exceptions import HttpProcessingError
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from domain.text import escape_unprintable
from entrypoints.config.terminal_log import RequestSummary, create_renderer


def configure_logging(level: str, *, terminal: bool) -> None:
    """Write all events, those of libraries too, in one format to standard error.

    In a terminal, the steps of a request are shown at level `debug` only. pgvend's own events do
    not pass through Python's `logging`, which costs more than everything else about a line.
    """
    structlog.configure(
        processors=[
            *_shared_processors(),
            _add_logger_name,
            *([RequestSummary()] if terminal and level != "debug" else []),
            *_rendering_processors(terminal),
        ],
        logger_factory=partial(_LineLogger, sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,  # tests capture logs
    )
    _configure_libraries(level, terminal)


def _configure_libraries(level: str, terminal: bool) -> None:
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_shared_processors(), structlog.stdlib.add_logger_name],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *_rendering_processors(terminal),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.getLogger("aiohttp.server").filters = [_MalformedRequestFilter()]
    for library in ("asyncio", "alembic", "aiosqlite"):  # aiosqlite logs each call with its values
        logging.getLogger(library).setLevel(logging.WARNING)


class _LineLogger:
    """Writes lines. A full disk or a closed terminal loses lines, and stops nothing else."""

    def __init__(self, stream: TextIO, name: str = "") -> None:
        self.name = name
        self._stream = stream

    def info(self, line: str) -> None:
        with suppress(OSError, ValueError):  # a ValueError: the stream is closed
            self._stream.write(f"{line}\n")
            self._stream.flush()

    debug = warning = error = critical = info


class _MalformedRequestFilter(logging.Filter):
    """Shortens the error of a malformed request to a line: a traceback would quote the request, and
    a key in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info and record.exc_info[1]
        if isinstance(error, HttpProcessingError):
            record.msg, record.args, record.exc_info = "http.malformed", (), None
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]


def _add_logger_name(logger: WrappedLogger, _: str, event: EventDict) -> EventDict:
    """Add the name of a named logger. pgvend's own loggers have none: their events say enough."""
    return {**event, "logger": logger.name} if logger.name else event


def _rendering_processors(terminal: bool) -> list[Processor]:
    """Tracebacks are plain: rich ones print local variables, which can hold secrets."""
    if terminal:
        console = structlog.dev.ConsoleRenderer(exception_formatter=_write_traceback)
        return [_escape_event, create_renderer(console)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def _escape_event(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Escape names and messages, so that they neither control the terminal nor imitate log lines.
    Values other than text are written by `repr`, which escapes them."""
    return {
        escape_unprintable(key): escape_unprintable(value) if isinstance(value, str) else value
        for key, value in event.items()
    }


def _write_traceback(console: TextIO, error: ExcInfo) -> None:
    """Write an escaped traceback, each line indented, so that none imitates a log line."""
    plain = io.StringIO()
    structlog.dev.plain_traceback(plain, error)
    for line in plain.getvalue().strip("\n").split("\n"):
        console.write(f"\n  {escape_unprintable(line)}")
