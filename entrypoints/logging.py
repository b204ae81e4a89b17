"""structlog, configured once: a console in a terminal, JSON elsewhere, always on standard error."""

import logging
import logging.config
import sys

import structlog
from aiohttp.http_exceptions import HttpProcessingError
from structlog.typing import Processor


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
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
