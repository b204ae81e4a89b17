"""Whatever is sent: a problem that says what to change, and nothing that is left behind."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.apps import RunningApp, problem_of

V1 = "/v1/databases"
LEGACY = "/api/create-neon-db"
JSON = {"Content-Type": "application/json"}
LIMIT = 64 * 1024


@dataclass(frozen=True)
class Bad:
    body: bytes
    status: int = 422
    code: str = "invalid_request"
    path: str = V1
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)


def _order(nickname: Any = "fine", **more: Any) -> bytes:
    return json.dumps({"nickname": nickname, **more}).encode()


def _legacy(body: Any) -> Bad:
    return Bad(json.dumps(body).encode(), path=LEGACY)


def _nickname(nickname: str) -> Bad:
    return Bad(_order(nickname), code="invalid_nickname")


def _malformed(body: bytes, path: str = V1, **headers: str) -> Bad:
    return Bad(body, 400, "malformed_body", path, {**JSON, **headers})


def _labels(labels: dict[str, str]) -> Bad:
    return Bad(_order(labels=labels), code="invalid_labels")


def _ttl(ttl: str) -> Bad:
    return Bad(_order(ttl=ttl), code="invalid_duration")


def _typed(content_type: str) -> Bad:
    headers = {"Content-Type": content_type}
    return Bad(_order(), 415, "unsupported_media_type", headers=headers)


_NO_TEXT: list[Any] = [None, 1, True, 1.5, [], {}, ["a"]]
_NO_TTL: list[Any] = [60, True, [], {}]
_NO_LABELS: list[Any] = [None, [], "a=b", {"a": 1}, {"a": {}}]
_NO_EXTENSIONS: list[Any] = [None, "vector", [1], {}]
_NO_CHOICE: list[Any] = [None, "", "SUFFIX", 1, []]

CASES = {
    "no body": _malformed(b""),
    "no body, legacy": _malformed(b"", LEGACY),
    "no JSON": _malformed(b"nickname=fine"),
    "half of a JSON": _malformed(_order()[:-1]),
    "two JSONs": _malformed(_order() * 2),
    "a byte order mark": _malformed(b"\xef\xbb\xbf" + _order()),
    "invalid UTF-8": _malformed(b'{"nickname": "\xff\xfe"}'),
    "a surrogate in UTF-8": _malformed(b'{"nickname": "\xed\xa0\x80"}'),
    "half of a surrogate pair": _malformed(rb'{"nickname": "\ud83d"}'),
    "a raw NUL": _malformed(b'{"nickname": "a\x00b"}'),
    "deeply nested": _malformed(b'{"nickname": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
    "deeply nested, legacy": _malformed(b'{"x": ' + b"[" * 60_000, LEGACY),
    "a number of many digits": _malformed(b'{"nickname": ' + b"9" * 60_000 + b"}"),
    "no gzip": _malformed(_order(), **{"Content-Encoding": "gzip"}),
    "no deflate": _malformed(_order(), **{"Content-Encoding": "deflate"}),
    "a list": Bad(b"[]"),
    "a string": Bad(b'"fine"'),
    "null": Bad(b"null"),
    "a number": Bad(b"1e999"),
    "an empty object": Bad(b"{}"),
    "an unknown member": Bad(_order(nick="x")),
    "a member of the legacy body": Bad(_order(project={"name": "x"})),
    "a dangerous member": Bad(_order(**{"<script>alert(1)</script>": 1})),
    "thousands of unknown members": Bad(_order(**{f"m{number}": 1 for number in range(4000)})),
    **{f"nickname {bad!r}": Bad(_order(bad)) for bad in _NO_TEXT},
    "legacy: another shape": _legacy({"nickname": "fine"}),
    "legacy: no name": _legacy({"project": {}}),
    "legacy: a name alone": _legacy({"project": "fine"}),
    "legacy: null": _legacy({"project": None}),
    "legacy: a numeric name": _legacy({"project": {"name": 5}}),
    "empty": _nickname(""),
    "blank": _nickname(" \u00a0\u2003 "),
    "symbols": _nickname("!@#$%^&*()"),
    "kept symbols": _nickname("--__--"),
    "invisible": _nickname("\u200b\u2060\ufeff"),
    "10,000 characters": _nickname("a" * 10_000),
    "NUL": _nickname("a\x00b"),
    "a line break": _nickname("a\nb"),
    "an escape": _nickname("a\x1b[2Jb"),
    "a C1 control": _nickname("a\x9bb"),
    **{f"ttl {bad!r}": Bad(_order(ttl=bad)) for bad in _NO_TTL},
    **{
        f"ttl {bad!r}": _ttl(bad)
        for bad in ("", "soon", "-1h", "0s", "59s", "1.5h", "1y", "P1M", "PT", "999999999w")
    },
    "a ttl of many digits": _ttl("9" * 10_000 + "h"),
    **{f"labels {bad!r}": Bad(_order(labels=bad)) for bad in _NO_LABELS},
    "a label without a key": _labels({"": "x"}),
    "a label with a space": _labels({"a b": "x"}),
    "a label with a line break": _labels({"a": "x\n"}),
    "a label with NUL": _labels({"a": "\x00"}),
    "a long key": _labels({"k" * 64: ""}),
    "a long value": _labels({"k": "v" * 64}),
    "33 labels": _labels({f"k{number}": "" for number in range(33)}),
    **{f"extensions {bad!r}": Bad(_order(extensions=bad)) for bad in _NO_EXTENSIONS},
    "17 extensions": Bad(_order(extensions=["vector"] * 17)),
    **{f"on_conflict {bad!r}": Bad(_order(on_conflict=bad)) for bad in _NO_CHOICE},
    **{
        f"content type {bad!r}": _typed(bad)
        for bad in ("text/plain", "application/x-www-form-urlencoded", "text/json", ";;", "")
    },
    "too large": Bad(b" " * (LIMIT + 1), 413, "body_too_large"),
    "too large, legacy": Bad(b" " * 1_000_000, 413, "body_too_large", LEGACY),
}


@pytest.mark.parametrize("bad", CASES.values(), ids=CASES.keys())
async def test_bad_input_is_explained_and_leaves_nothing(app: RunningApp, bad: Bad) -> None:
    headers = {**bad.headers, "Connection": "close"}
    async with app.client.post(bad.path, data=bad.body, headers=headers) as response:
        problem = await problem_of(response, bad.status, bad.code)

    assert problem["retryable"] is False
    assert len(problem["detail"]) < 1000
    assert problem["detail"].isprintable()
    assert await app.nothing_is_left()


async def test_a_body_of_unknown_length_is_bounded_too(app: RunningApp) -> None:
    async with app.client.post(V1, data=_spaces(), headers=JSON) as response:
        await problem_of(response, 413, "body_too_large")

    assert await app.nothing_is_left()


async def test_a_body_of_the_largest_size_is_taken(app: RunningApp) -> None:
    body = _order("just fits").ljust(LIMIT)

    async with app.client.post(V1, data=body, headers=JSON) as response:
        assert response.status == 201


async def _spaces() -> AsyncIterator[bytes]:
    for _ in range(LIMIT // 1024 + 1):
        yield b" " * 1024
