"""Creations with an invalid body: the problem explains what to change, and nothing is changed."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.apps import RunningApp, read_problem
from tests.support.bad_requests import (
    JSON,
    LEGACY,
    V1,
    BadRequest,
    build_content_type,
    build_malformed,
    check_bad_request,
    create_body,
    to_json,
)

LIMIT = 64 * 1024


def build_legacy_creation(body: Any) -> BadRequest:
    return BadRequest(to_json(body), path=LEGACY)


def build_nickname(nickname: str) -> BadRequest:
    return BadRequest(create_body(nickname), code="invalid_nickname")


INVALID_NICKNAMES: list[Any] = [None, 1, True, 1.5, [], {}, ["a"]]
INVALID_TTLS: list[Any] = [60, True, [], {}]
INVALID_LABELS: list[Any] = [None, [], "a=b", {"a": 1}, {"a": {}}]
INVALID_EXTENSIONS: list[Any] = [None, "vector", [1], {}]
INVALID_CHOICES: list[Any] = [None, "", "SUFFIX", 1, []]

CASES = {
    "no body": build_malformed(b""),
    "no body, legacy": build_malformed(b"", LEGACY),
    "no JSON": build_malformed(b"nickname=fine"),
    "half of a JSON": build_malformed(create_body()[:-1]),
    "two JSONs": build_malformed(create_body() * 2),
    "a byte order mark": build_malformed(b"\xef\xbb\xbf" + create_body()),
    "invalid UTF-8": build_malformed(b'{"nickname": "\xff\xfe"}'),
    "a surrogate in UTF-8": build_malformed(b'{"nickname": "\xed\xa0\x80"}'),
    "half of a surrogate pair": build_malformed(rb'{"nickname": "\ud83d"}'),
    "a raw NUL": build_malformed(b'{"nickname": "a\x00b"}'),
    "deeply nested": build_malformed(b'{"nickname": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
    "deeply nested, legacy": build_malformed(b'{"x": ' + b"[" * 60_000, LEGACY),
    "a number of many digits": build_malformed(b'{"nickname": ' + b"9" * 60_000 + b"}"),
    "no gzip": build_malformed(create_body(), **{"Content-Encoding": "gzip"}),
    "no deflate": build_malformed(create_body(), **{"Content-Encoding": "deflate"}),
    **{repr(body): BadRequest(body) for body in (b"[]", b'"fine"', b"null", b"1e999", b"{}")},
    "an unknown member": BadRequest(create_body(nick="x")),
    "a member of the legacy body": BadRequest(create_body(project={"name": "x"})),
    "a dangerous member": BadRequest(create_body(**{"<script>alert(1)</script>": 1})),
    "thousands of unknown members": BadRequest(
        create_body(**{f"m{number}": 1 for number in range(4000)})
    ),
    **{f"nickname {bad!r}": BadRequest(create_body(bad)) for bad in INVALID_NICKNAMES},
    "legacy: another shape": build_legacy_creation({"nickname": "fine"}),
    "legacy: no name": build_legacy_creation({"project": {}}),
    "legacy: a name alone": build_legacy_creation({"project": "fine"}),
    "legacy: null": build_legacy_creation({"project": None}),
    "legacy: a numeric name": build_legacy_creation({"project": {"name": 5}}),
    "empty": build_nickname(""),
    "blank": build_nickname(" \u00a0\u2003 "),
    "10,000 characters": build_nickname("a" * 10_000),
    "NUL": build_nickname("a\x00b"),
    "an escape": build_nickname("a\x1b[2Jb"),
    **{f"ttl {bad!r}": BadRequest(create_body(ttl=bad)) for bad in INVALID_TTLS},
    **{
        f"ttl {bad[:9]!r}": BadRequest(create_body(ttl=bad), code="invalid_duration")
        for bad in ("", "soon", "25h", "9" * 10_000 + "h")
    },
    **{f"labels {bad!r}": BadRequest(create_body(labels=bad)) for bad in INVALID_LABELS},
    "a label with NUL": BadRequest(create_body(labels={"a": "\x00"}), code="invalid_labels"),
    "33 labels": BadRequest(
        create_body(labels={f"k{n}": "" for n in range(33)}), code="invalid_labels"
    ),
    **{
        f"extensions {bad!r}": BadRequest(create_body(extensions=bad)) for bad in INVALID_EXTENSIONS
    },
    **{
        f"extension {odd[:9]!r}": BadRequest(create_body(extensions=[odd]), code="")
        for odd in ("", " ", "\0", "\ufffe", "a\0b", "\\u0000", "💾", "'", "x" * 9000, "vector\n")
    },
    "17 extensions": BadRequest(create_body(extensions=["vector"] * 17)),
    **{f"on_conflict {bad!r}": BadRequest(create_body(on_conflict=bad)) for bad in INVALID_CHOICES},
    **{
        f"content type {bad!r}": build_content_type(bad)
        for bad in ("text/plain", "application/x-www-form-urlencoded", "text/json", ";;", "")
    },
    "too large": BadRequest(b" " * (LIMIT + 1), 413, "body_too_large"),
    "too large, legacy": BadRequest(b" " * 1_000_000, 413, "body_too_large", LEGACY),
}


@pytest.mark.parametrize("bad", CASES.values(), ids=CASES.keys())
async def test_an_invalid_creation_is_explained_and_changes_nothing(bad: BadRequest) -> None:
    await check_bad_request(bad)


async def test_a_body_of_unknown_length_is_limited_too(app: RunningApp) -> None:
    async with app.client.post(V1, data=_stream_spaces(), headers=JSON) as response:
        await read_problem(response, 413, "body_too_large")
    assert await app.is_empty()


async def test_a_body_of_the_maximum_size_is_accepted(app: RunningApp) -> None:
    body = create_body("just fits").ljust(LIMIT)
    async with app.client.post(V1, data=body, headers=JSON) as response:
        assert response.status == 201


async def _stream_spaces() -> AsyncIterator[bytes]:
    for _ in range(LIMIT // 1024 + 1):
        yield b" " * 1024
