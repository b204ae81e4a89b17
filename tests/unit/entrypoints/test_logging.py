"""The log: JSON for machines, short lines in a terminal, never local variables."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from typing import Any

import pytest
import structlog
from aiohttp.http_exceptions import InvalidHeader

from domain.secrets import Secret
from entrypoints.config.logging import configure_logging
from entrypoints.config.terminal_log import MAX_REQUESTS, RequestSummary

HIDDEN = "hunter2"
FOREIGN = "\x1b]0;own\x07\u202e\n2026-01-01 [error] forged\r\x9b2J\ud800ü"

Lines = Callable[[], list[dict[str, Any]]]

both = pytest.mark.parametrize("terminal", [False, True], ids=["json", "console"])


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Restore the logging of the process for other tests."""
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
        assert captured.out == "", "logs belong on standard error"
        return [json.loads(line) for line in captured.err.splitlines()]

    return reading


def crash(password: str) -> None:
    raise ValueError("it failed")


def test_every_event_is_one_json_object(lines: Lines) -> None:
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


def test_a_full_disk_loses_events_and_stops_nothing() -> None:
    full = open("/dev/full", "w", encoding="utf-8")  # noqa: SIM115 - closing it fails too
    with redirect_stderr(full):
        configure_logging("info", terminal=False)
        structlog.get_logger("test").info("database.ready")
    with pytest.raises(OSError, match="No space left"):
        full.close()
    structlog.get_logger("test").info("database.ready")


def test_in_a_terminal_an_event_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", terminal=True)
    structlog.get_logger("test").info("database.ready", id="db_1")
    shown = capsys.readouterr().err
    assert re.fullmatch(r"\d\d:\d\d:\d\d database\.ready id=db_1\n", shown)


REQUEST_ID = "944d85e0aa4f4d0fb3f7b5a1c3d2e1f0"
REQUEST = {"action": "createDatabase", "method": "POST", "path": "/v1/databases"}

REQUEST_LINES: dict[str, tuple[dict[str, Any], str]] = {
    "a creation": ({}, "created webshop 113 ms by anyone"),
    "one in the background": ({"status": 202}, "creating webshop 113 ms by anyone"),
    "a deletion": (
        {"action": "deleteDatabase", "status": 202},
        "deleting webshop 113 ms by anyone",
    ),
    "a failure": ({"status": 503}, "POST /v1/databases 503 113 ms by anyone"),
    "another call": ({"action": "listKeys"}, "POST /v1/databases 201 113 ms by anyone"),
}


def log_request(**fields: Any) -> None:
    structlog.contextvars.bind_contextvars(request_id=REQUEST_ID, caller="anyone")
    log = structlog.get_logger("test")
    for step in ("provisioning", "ready"):
        log.info(f"database.{step}", id="db_1", database="webshop")
    log.info("http.request", **{"status": 201, "ms": 112.7, **REQUEST, **fields})


@pytest.mark.parametrize(("fields", "line"), REQUEST_LINES.values(), ids=list(REQUEST_LINES))
def test_in_a_terminal_a_request_is_one_short_line(
    capsys: pytest.CaptureFixture[str], fields: dict[str, Any], line: str
) -> None:
    configure_logging("info", terminal=True)
    log_request(**fields)
    assert capsys.readouterr().err[9:] == f"{line} req=944d85e0\n"


def test_in_a_terminal_errors_and_background_steps_of_a_request_are_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("info", terminal=True)
    structlog.contextvars.bind_contextvars(request_id=REQUEST_ID)
    structlog.get_logger("test").warning("database.failed", database="webshop")
    log_request(status=202)
    structlog.get_logger("test").info("database.ready", database="webshop")
    first, _, last = capsys.readouterr().err.splitlines()
    assert first[9:] == "warning: database.failed database=webshop req=944d85e0"
    assert last[9:] == "database.ready database=webshop caller=anyone req=944d85e0"


def test_in_a_terminal_the_level_debug_shows_the_steps(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("debug", terminal=True)
    log_request()
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_json_keeps_every_event_and_field_of_a_request(lines: Lines) -> None:
    configure_logging("info", terminal=False)
    log_request()
    *steps, request = lines()
    assert [step["event"] for step in steps] == ["database.provisioning", "database.ready"]
    assert request.pop("timestamp").endswith("Z")
    assert request == {
        **REQUEST,
        "event": "http.request",
        "status": 201,
        "ms": 112.7,
        "request_id": REQUEST_ID,
        "caller": "anyone",
        "level": "info",
        "logger": "test",
    }


def test_the_terminal_forgets_requests_that_never_end() -> None:
    summary = RequestSummary()
    for number in range(2 * MAX_REQUESTS):
        event = {"event": "database.ready", "level": "info", "request_id": str(number)}
        with pytest.raises(structlog.DropEvent):
            summary(None, "info", event)
    assert len(summary._databases) == MAX_REQUESTS


def test_events_of_libraries_have_the_same_format(lines: Lines) -> None:
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
def test_events_below_the_level_are_dropped(lines: Lines, level: str, shown: int) -> None:
    configure_logging("info", terminal=False)
    configure_logging(level, terminal=False)
    log = structlog.get_logger()
    for write in (log.debug, log.info, log.warning, log.error):
        write("event")
    assert len(lines()) == shown


@both
@pytest.mark.parametrize("logger", [structlog.get_logger, logging.getLogger])
def test_a_crash_is_shown_without_its_local_variables(
    capsys: pytest.CaptureFixture[str], logger: Any, terminal: bool
) -> None:
    configure_logging("info", terminal=terminal)
    password = "".join(["hun", "ter2"])  # the source line in a traceback must not match

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
def test_foreign_text_imitates_no_line(capsys: pytest.CaptureFixture[str], logger: Any) -> None:
    configure_logging("info", terminal=True)

    try:
        raise ValueError(FOREIGN)
    except ValueError:
        logger("some.library").exception(f"text {FOREIGN}")
    structlog.get_logger().info("event", database=FOREIGN, nested=[FOREIGN], **{FOREIGN: "key"})

    shown = capsys.readouterr().err
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown)  # the console's colours
    assert all(line.isprintable() for line in text.split("\n"))
    assert not [line for line in text.split("\n") if line.startswith("2026-01-01")]
    assert text.count("\\x1b]0;own\\x07\\u202e") >= 4


def test_a_malformed_request_is_logged_without_its_text(lines: Lines) -> None:
    configure_logging("info", terminal=False)

    try:
        raise InvalidHeader(f"Authorization: Bearer {HIDDEN}")
    except InvalidHeader:
        logging.getLogger("aiohttp.server").exception("Error handling request from %s", "somebody")

    (event,) = lines()
    assert (event["event"], event["level"]) == ("http.malformed", "info")
    assert HIDDEN not in repr(event)
