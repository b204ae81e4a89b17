"""structlog, configured once: a console in a terminal, JSON elsewhere, always on standard error."""

import io
import logging
import logging.config
import sys
from typing import TextIO

import structlog
from aiohttp.http_exceptions import HttpProcessingError
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from domain.text import legible


def configure_logging(level: str, *, terminal: bool) -> None:
    """Everything goes one way, what libraries log through the standard library too."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # tests capture
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *_rendering(terminal),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.getLogger("aiohttp.server").filters = [_Malformed()]
    for library in ("asyncio", "alembic", "aiosqlite"):  # the last tells each call with its values
        logging.getLogger(library).setLevel(logging.WARNING)


class _Malformed(logging.Filter):
    """What is no HTTP is the caller's affair: a line, not a traceback, which would quote it with
    the key that it may hold."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info and record.exc_info[1]
        if isinstance(error, HttpProcessingError):
            record.msg, record.args, record.exc_info = "http.malformed", (), None
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]


def _rendering(terminal: bool) -> list[Processor]:
    """Tracebacks are plain: the pretty ones print local variables, secrets among them."""
    if terminal:
        console = structlog.dev.ConsoleRenderer(exception_formatter=_legible_traceback)
        return [_made_legible, console]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def _made_legible(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Escape foreign names and messages, so that they neither command a terminal nor pass for lines
    of our own. The console writes values other than text as `repr` does, which escapes them."""
    return {
        legible(key): legible(value) if isinstance(value, str) else value
        for key, value in event.items()
    }


def _legible_traceback(console: TextIO, error: ExcInfo) -> None:
    """Escape an error's traceback. Indent each line, so that no line of its message passes for
    ours."""
    plain = io.StringIO()
    structlog.dev.plain_traceback(plain, error)
    for line in plain.getvalue().strip("\n").split("\n"):
        console.write(f"\n  {legible(line)}")
