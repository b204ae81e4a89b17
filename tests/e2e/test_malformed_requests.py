"""Malformed HTTP is answered with a problem."""

import pytest
from structlog.testing import capture_logs

from tests.support.apps import RunningApp, check_problem
from tests.support.raw_connections import ask_once, connect_raw, request

KEY = "pgv_abcdefgh_secret"

LINES = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"

MALFORMED = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    "noise": b"\x00\xff\xfe\x80" * 64 + b"\r\n\r\n",
    "an odd version": b"GET /livez HTTP/3.7\r\nHost: localhost\r\n\r\n",
    "an odd method": b"G\x00T /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no Host": b"GET /livez HTTP/1.1\r\n\r\n",
    "a header without a colon": LINES + b"nothing\r\n\r\n",
    "a header with a space": LINES + b"X Y: z\r\n\r\n",
    "a header with NUL": LINES + b"X: a\x00b\r\n\r\n",
    "two lengths": LINES + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\na",
    "a length and chunks": LINES + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\na",
    "a negative length": LINES + b"Content-Length: -1\r\n\r\n",
    "no number as length": LINES + b"Content-Length: ten\r\n\r\n",
    "an odd address": b"GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "thousands of headers": LINES + b"X: y\r\n" * 5000 + b"\r\n",
}

TOO_LARGE = {
    "the address": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a header": LINES + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
    "a header's name": LINES + b"X" * 70_000 + b": a\r\n\r\n",
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_malformed_request_is_a_problem(app: RunningApp, sent: bytes) -> None:
    check_problem(await ask_once(app.port, sent), 400, "malformed_request")


@pytest.mark.parametrize("sent", TOO_LARGE.values(), ids=TOO_LARGE.keys())
async def test_a_head_that_is_too_large_is_a_problem(app: RunningApp, sent: bytes) -> None:
    check_problem(await ask_once(app.port, sent), 431, "head_too_large")


async def test_the_service_disconnects_after_a_malformed_request(app: RunningApp) -> None:
    async with connect_raw(app.port) as wire:
        await wire.ask(MALFORMED["noise"])
        assert await wire.read_to_end() == b""


async def test_neither_the_answer_nor_the_log_quotes_the_request(app: RunningApp) -> None:
    sent = LINES + f"Authorization: Bearer {KEY}\r\nAuthorization Bearer {KEY}\r\n\r\n".encode()

    with capture_logs() as logged:
        answer = await ask_once(app.port, sent)

    problem = check_problem(answer, 400, "malformed_request")
    assert KEY not in str((problem, logged))
    (line,) = [event for event in logged if event["event"] == "http.malformed"]
    assert line["address"] == "127.0.0.1"
    assert line["request_id"] == problem["request_id"]
    assert line["log_level"] == "info", "strangers must not fill the log with errors"


@pytest.mark.parametrize("path", ["/livez", "/nowhere", "/v1/databases"])
async def test_an_unknown_expectation_is_a_problem(app: RunningApp, path: str) -> None:
    answer = await ask_once(app.port, request(path, Expect="a miracle"))
    check_problem(answer, 417, "expectation_failed")


async def test_a_caller_that_expects_100_continue_gets_it(app: RunningApp) -> None:
    head = request(
        "/v1/databases",
        "POST",
        Expect="100-continue",
        Content_Type="application/json",
        Content_Length="21",
    )
    async with connect_raw(app.port) as wire:
        wire.send(head)
        assert await wire.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"

        assert (await wire.ask(b'{"nickname": "later"}')).status == 201
