"""What is logged: JSON for machines, a console for people, local variables for nobody."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from aiohttp.http_exceptions import InvalidHeader

from domain.secret import Secret
from entrypoints.logging import configure_logging

HIDDEN = "hunter2"
FOREIGN = "\x1b]0;own\x07\u202e\n2026-01-01 [error] forged\r\x9b2J\ud800ü"

Lines = Callable[[], list[dict[str, Any]]]

both = pytest.mark.parametrize("terminal", [False, True], ids=["json", "console"])


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Logging is the process's: other tests get theirs back."""
    loggers = (logging.getLogger(), logging.getLogger("asyncio"))
    before = [(logger.handlers, logger.level) for logger in loggers]
    yield
    logging.getLogger("aiohttp.server").filters = []
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    for logger, (handlers, level) in zip(loggers, before, strict=True):
        logger.handlers = handlers
        logger.setLevel(level)


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    def reading() -> list[dict[str, Any]]:
        captured = capsys.readouterr()
        assert captured.out == "", "standard output is for answers"
        return [json.loads(line) for line in captured.err.splitlines()]

    return reading


def crash(password: str) -> None:
    raise ValueError("it failed")


def test_for_machines_every_event_is_one_json_object(lines: Lines) -> None:
    configure_logging("info", terminal=False)

    structlog.get_logger("test").info("database.ready", id="db_1", nickname=FOREIGN)

    (event,) = lines()
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "database.ready",
        "id": "db_1",
        "nickname": FOREIGN,
        "level": "info",
        "logger": "test",
    }


def test_for_people_an_event_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", terminal=True)
    structlog.get_logger("test").info("database.ready", id="db_1")
    shown = capsys.readouterr().err
    assert "database.ready" in shown
    assert "db_1" in shown
    assert shown.count("\n") == 1


def test_what_libraries_log_goes_the_same_way(lines: Lines) -> None:
    configure_logging("info", terminal=False)
    structlog.contextvars.bind_contextvars(request_id="r1")

    structlog.get_logger().info("one")
    logging.getLogger("some.library").warning("%s went wrong", "something")

    one, other = lines()
    assert (other["event"], other["logger"]) == ("something went wrong", "some.library")
    assert other["level"] == "warning"
    assert one["request_id"] == other["request_id"] == "r1"


@pytest.mark.parametrize(
    ("level", "shown"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)]
)
def test_the_level_decides_what_is_shown_once(lines: Lines, level: str, shown: int) -> None:
    configure_logging("info", terminal=False)
    configure_logging(level, terminal=False)
    log = structlog.get_logger()
    for tell in (log.debug, log.info, log.warning, log.error):
        tell("event")
    assert len(lines()) == shown


@both
@pytest.mark.parametrize("logger", [structlog.get_logger, logging.getLogger])
def test_a_crash_is_shown_without_its_local_variables(
    capsys: pytest.CaptureFixture[str], logger: Any, terminal: bool
) -> None:
    configure_logging("info", terminal=terminal)
    password = "".join(["hun", "ter2"])  # the source line that a traceback shows does not tell

    try:
        crash(password)
    except ValueError:
        logger("some.library").exception("job.crashed")

    shown = capsys.readouterr().err
    assert "ValueError: it failed" in shown
    assert "in crash" in shown
    assert HIDDEN not in shown


@both
def test_a_logged_secret_is_not_shown(capsys: pytest.CaptureFixture[str], terminal: bool) -> None:
    configure_logging("info", terminal=terminal)
    structlog.get_logger().info("event", password=Secret(HIDDEN), nested={"deep": [Secret(HIDDEN)]})
    logging.getLogger("some.library").info("login with %s %r", Secret(HIDDEN), Secret(HIDDEN))
    shown = capsys.readouterr().err
    assert HIDDEN not in shown
    assert "***" in shown


@pytest.mark.parametrize("logger", [structlog.get_logger, logging.getLogger])
def test_foreign_text_forges_no_line(capsys: pytest.CaptureFixture[str], logger: Any) -> None:
    configure_logging("info", terminal=True)

    try:
        raise ValueError(FOREIGN)
    except ValueError:
        logger("some.library").exception(f"told {FOREIGN}")
    structlog.get_logger().info("event", database=FOREIGN, nested=[FOREIGN], **{FOREIGN: "key"})

    shown = capsys.readouterr().err
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown)  # the console's own colours
    assert all(line.isprintable() for line in text.split("\n"))
    assert not [line for line in text.split("\n") if line.startswith("2026-01-01")]
    assert text.count("\\x1b]0;own\\x07\\u202e") >= 4


def test_what_is_no_http_is_a_line_that_does_not_quote_it(lines: Lines) -> None:
    configure_logging("info", terminal=False)

    try:
        raise InvalidHeader(f"Authorization: Bearer {HIDDEN}")
    except InvalidHeader:
        logging.getLogger("aiohttp.server").exception("Error handling request from %s", "somebody")

    (event,) = lines()
    assert (event["event"], event["level"]) == ("http.malformed", "info")
    assert HIDDEN not in repr(event)
