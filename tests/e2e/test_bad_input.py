"""Invalid requests: the problem explains what to change, and nothing is changed."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from entrypoints.http.api.routes.table import ROUTES
from tests.support.apps import RunningApp, read_problem, running_app

V1 = "/v1/databases"
ONE = "/v1/databases/{id}"
LEGACY = "/api/create-neon-db"
KEYS = "/v1/keys"
JSON = (("Content-Type", "application/json"),)
LIMIT = 64 * 1024


@dataclass(frozen=True)
class BadRequest:
    body: bytes = b""
    status: int = 422
    code: str = "invalid_request"
    path: str = V1
    method: str = "POST"
    headers: Sequence[tuple[str, str]] = JSON
    detail: str = ""
    """Text that the detail must contain."""


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()


def _create_body(nickname: Any = "fine", **more: Any) -> bytes:
    return _json({"nickname": nickname, **more})


def _legacy(body: Any) -> BadRequest:
    return BadRequest(_json(body), path=LEGACY)


def _nickname(nickname: str) -> BadRequest:
    return BadRequest(_create_body(nickname), code="invalid_nickname")


def _malformed(body: bytes, path: str = V1, method: str = "POST", **headers: str) -> BadRequest:
    return BadRequest(body, 400, "malformed_body", path, method, [*JSON, *headers.items()])


def _with_content_type(content_type: str, method: str = "POST", path: str = V1) -> BadRequest:
    headers = [("Content-Type", content_type)]
    return BadRequest(_create_body(), 415, "unsupported_media_type", path, method, headers)


def _change(body: Any, code: str = "invalid_request") -> BadRequest:
    return BadRequest(_json(body), code=code, path=ONE, method="PATCH")


def _post_to_database(what: str, body: Any) -> BadRequest:
    return BadRequest(_json(body), path=f"{ONE}/{what}")


def _match(*tags: str, code: str = "precondition_failed") -> BadRequest:
    status, detail = (412, "") if code == "precondition_failed" else (422, "If-Match")
    headers = [("If-Match", tag) for tag in tags] + [*JSON]
    return BadRequest(_json({"labels": {"a": "b"}}), status, code, ONE, "PATCH", headers, detail)


def _get(path: str, code: str = "invalid_request", detail: str = "", **headers: str) -> BadRequest:
    status = 406 if code == "not_acceptable" else 422
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return BadRequest(b"", status, code, path, "GET", named, detail)


def _with_idempotency_keys(path: str, *keys: str) -> BadRequest:
    body = _create_body() if path == V1 else _json({"project": {"name": "fine"}})
    headers = [("Idempotency-Key", key) for key in keys] + [*JSON]
    return BadRequest(body, path=path, headers=headers, detail="Idempotency-Key")


def _key(**body: Any) -> BadRequest:
    return BadRequest(_json({"scopes": ["create"], **body}), path=KEYS, code="")


_NO_TEXT: list[Any] = [None, 1, True, 1.5, [], {}, ["a"]]
_NO_TTL: list[Any] = [60, True, [], {}]
_NO_LABELS: list[Any] = [None, [], "a=b", {"a": 1}, {"a": {}}]
_NO_EXTENSIONS: list[Any] = [None, "vector", [1], {}]
_NO_CHOICE: list[Any] = [None, "", "SUFFIX", 1, []]

_NO_CHANGE: list[Any] = [
    *({}, {"labels": None}, {"ttl": 60}, {"state": "ready"}, {"labels": {"a": None}}),
    {"ttl": "1h", "nickname": "other"},
    {"ttl": "1h", "expires_at": "2026-01-02T04:04:05Z"},
    {"ttl": None, "expires_at": None},
    *({"expires_at": bad} for bad in ("", "soon", "2026-01-02T04:04:05", "2026-01-02", 1767326645)),
]
_NO_RESTORE: list[Any] = [{"ttl": 1}, {"labels": {}}, []]
_NO_ROTATION: list[Any] = [{"end_sessions": 1}, {"end_sessions": "yes"}, {"end": True}, []]
_NO_NAME = ('"; --', "", "x" * 64, 7, None)
_NO_NEW_TTL = ("soon", "1s", "25h")
_NO_NEW_EXPIRY: list[dict[str, Any]] = [
    {"ttl": None},
    {"expires_at": None},
    {"expires_at": "2026-01-02T03:05:04Z"},
    {"expires_at": "2026-01-03T03:04:05.000001Z"},
    {"expires_at": "2025-12-31T23:59:59+01:00"},
    {"expires_at": "9999-12-31T23:59:59-23:59"},
    {"expires_at": "0001-01-01T00:00:00+23:59"},
]
_NO_VERSION = ('"0"', '"999999999"', f'"{"9" * 22}"', '"-1"', '"x"', '""', '"*"', '"a", "b"')
_NO_ETAG = ("", "3", "'3'", '"3', '3"', '"3" "4"', '"3",', '*, "3"', "w/*", '"é"', '"3", x')
_NO_QUERY = (
    *("page_size=0", "page_size=201", "page_size=-1", "page_size=1e1", "page_size="),
    "page_size=%D9%A3",  # a digit, but not ASCII
    *("page_size=000000001999", "page_size=5&page_size=200", "page_token=&page_token="),
    *("state=", "state=READY", "state=ready,deleted", "state=ready&state=gone"),
    *("label=team", "label=", "limit=3", "page-size=3", quote("<script>") + "=1"),
)
_NO_LABEL = (
    *("label=%00=x", "label=a=%00", "label=a=%ff", "label=a=%ED%A0%80", "state=%00"),
    *("label=a=1&label=a=2", f"label={'k' * 64}=x"),
    "&".join(f"label=k{number}=" for number in range(33)),
)
_NO_TOKEN = ("1", "abc", "AAAA", "%00", "%ff%fe", quote("é"), "x" * 5000, "ZGI=", "ZG", "===")
_UNKNOWN_KEY = b64encode(b"pgv_00000000").decode()
_NO_BOOLEAN = ("perhaps", 0, 1, "true", "no", None)
_NO_KEY: dict[str, tuple[Any, ...]] = {
    "scopes": ([], ["everything"], "create"),
    "name": ("", "a b", "web\n", "pgvend"),
    "quota": (-1, 1.5, 10**18),
    "rate": ("often", "0/min", ""),
    "origins": (
        *(["app.example"], ["*"], ["https://app.example/path"], ["https://a\0b"], ["http://["]),
        *(["https://a b"], ["https://\u00e4"], ["ftp://a"]),
        [f"https://{n}.example" for n in range(17)],
    ),
    "ttl": ("P1Y", ""),
    "key": ("my own",),
}

CASES = {
    "no body": _malformed(b""),
    "no body, legacy": _malformed(b"", LEGACY),
    "no JSON": _malformed(b"nickname=fine"),
    "half of a JSON": _malformed(_create_body()[:-1]),
    "two JSONs": _malformed(_create_body() * 2),
    "a byte order mark": _malformed(b"\xef\xbb\xbf" + _create_body()),
    "invalid UTF-8": _malformed(b'{"nickname": "\xff\xfe"}'),
    "a surrogate in UTF-8": _malformed(b'{"nickname": "\xed\xa0\x80"}'),
    "half of a surrogate pair": _malformed(rb'{"nickname": "\ud83d"}'),
    "a raw NUL": _malformed(b'{"nickname": "a\x00b"}'),
    "deeply nested": _malformed(b'{"nickname": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
    "deeply nested, legacy": _malformed(b'{"x": ' + b"[" * 60_000, LEGACY),
    "a number of many digits": _malformed(b'{"nickname": ' + b"9" * 60_000 + b"}"),
    "no gzip": _malformed(_create_body(), **{"Content-Encoding": "gzip"}),
    "no deflate": _malformed(_create_body(), **{"Content-Encoding": "deflate"}),
    **{repr(body): BadRequest(body) for body in (b"[]", b'"fine"', b"null", b"1e999", b"{}")},
    "an unknown member": BadRequest(_create_body(nick="x")),
    "a member of the legacy body": BadRequest(_create_body(project={"name": "x"})),
    "a dangerous member": BadRequest(_create_body(**{"<script>alert(1)</script>": 1})),
    "thousands of unknown members": BadRequest(
        _create_body(**{f"m{number}": 1 for number in range(4000)})
    ),
    **{f"nickname {bad!r}": BadRequest(_create_body(bad)) for bad in _NO_TEXT},
    "legacy: another shape": _legacy({"nickname": "fine"}),
    "legacy: no name": _legacy({"project": {}}),
    "legacy: a name alone": _legacy({"project": "fine"}),
    "legacy: null": _legacy({"project": None}),
    "legacy: a numeric name": _legacy({"project": {"name": 5}}),
    "empty": _nickname(""),
    "blank": _nickname(" \u00a0\u2003 "),
    "10,000 characters": _nickname("a" * 10_000),
    "NUL": _nickname("a\x00b"),
    "an escape": _nickname("a\x1b[2Jb"),
    **{f"ttl {bad!r}": BadRequest(_create_body(ttl=bad)) for bad in _NO_TTL},
    **{
        f"ttl {bad[:9]!r}": BadRequest(_create_body(ttl=bad), code="invalid_duration")
        for bad in ("", "soon", "25h", "9" * 10_000 + "h")
    },
    **{f"labels {bad!r}": BadRequest(_create_body(labels=bad)) for bad in _NO_LABELS},
    "a label with NUL": BadRequest(_create_body(labels={"a": "\x00"}), code="invalid_labels"),
    "33 labels": BadRequest(
        _create_body(labels={f"k{n}": "" for n in range(33)}), code="invalid_labels"
    ),
    **{f"extensions {bad!r}": BadRequest(_create_body(extensions=bad)) for bad in _NO_EXTENSIONS},
    **{
        f"extension {odd[:9]!r}": BadRequest(_create_body(extensions=[odd]), code="")
        for odd in ("", " ", "\0", "\ufffe", "a\0b", "\\u0000", "💾", "'", "x" * 9000, "vector\n")
    },
    "17 extensions": BadRequest(_create_body(extensions=["vector"] * 17)),
    **{f"on_conflict {bad!r}": BadRequest(_create_body(on_conflict=bad)) for bad in _NO_CHOICE},
    **{
        f"content type {bad!r}": _with_content_type(bad)
        for bad in ("text/plain", "application/x-www-form-urlencoded", "text/json", ";;", "")
    },
    "too large": BadRequest(b" " * (LIMIT + 1), 413, "body_too_large"),
    "too large, legacy": BadRequest(b" " * 1_000_000, 413, "body_too_large", LEGACY),
    **{f"change {body!r}": _change(body) for body in _NO_CHANGE},
    **{f"restore {body!r}": _post_to_database("restore", body) for body in _NO_RESTORE},
    **{f"rotate {body!r}": _post_to_database("rotate", body) for body in _NO_ROTATION},
    **{
        f"add extension {bad!r}"[:30]: _post_to_database("extensions", {"name": bad})
        for bad in _NO_NAME
    },
    **{f"change ttl {bad!r}": _change({"ttl": bad}, "invalid_duration") for bad in _NO_NEW_TTL},
    **{f"change {body!r}": _change(body, "invalid_expiry") for body in _NO_NEW_EXPIRY},
    "change labels": _change({"labels": {"": "x"}}, "invalid_labels"),
    "change both": _change({"ttl": "1h", "labels": {"a b": "x"}}, "invalid_labels"),
    "change nothing": _malformed(b"", ONE, "PATCH"),
    "change as text": _with_content_type("text/plain", "PATCH", ONE),
    **{f"If-Match {tag}": _match(tag) for tag in _NO_VERSION},
    **{f"If-Match {tag}": _match(tag, code="invalid_request") for tag in _NO_ETAG},
    **{f"list by {query[:20]}": _get(f"{V1}?{query}") for query in _NO_QUERY},
    **{f"list by label {label[:20]}": _get(f"{V1}?{label}", "") for label in _NO_LABEL},
    "list by a size beyond all": _get(f"{V1}?page_size=" + "9" * 5000),
    "list by a long size": _get(f"{V1}?page_size=" + "0" * 8 + "1" * 5000),
    **{
        f"page token {token[:9]}": _get(f"{V1}?page_token={token}", "invalid_page_token")
        for token in _NO_TOKEN
    },
    **{
        f"format {query}": _get(f"{ONE}/connection?format={query}", detail="k8s-secret")
        for query in ("xml", "", "JSON", "%00")
    },
    "two formats": _get(f"{ONE}/connection?format=json&format=odd"),
    **{f"verify {bad}": _get(f"{ONE}/connection?verify={bad}") for bad in ("1", "yes", "", "True")},
    **{
        f"Accept {accept}": _get(
            f"{ONE}/connection", "not_acceptable", "application/json", Accept=accept
        )
        for accept in ("image/png", "text/html", "application/json;q=0", "garbage")
    },
    **{
        f"Last-Event-ID {last}": _get(f"{ONE}/events", Last_Event_ID=last)
        for last in ("x", "-1", "1.5", "4-settle", "4 x", "1" * 10, "é", "settled")
    },
    **{
        f"Idempotency-Key {keys!r} {path}": _with_idempotency_keys(path, *keys)
        for keys in ([""], ["  "], ["x" * 256], ["é"], ["a\tb"], ["one", "two"])
        for path in (V1, LEGACY)
    },
    **{
        f"reconcile {body!r}": BadRequest(_json(body), path="/v1/reconciliations")
        for body in ({"dryrun": True}, [], *({"dry_run": bad} for bad in _NO_BOOLEAN))
    },
    **{
        f"key with {name} {str(bad)[:30]}": _key(**{name: bad})
        for name, several in _NO_KEY.items()
        for bad in several
    },
    "key without members": BadRequest(b"{}", path=KEYS),
    "audit events of an invalid page": _get("/v1/audit-events?page_token=x", "invalid_page_token"),
    "keys of an invalid page": _get("/v1/keys?page_token=x", "invalid_page_token"),
    "keys of an unknown page": _get(f"/v1/keys?page_token={_UNKNOWN_KEY}", "invalid_page_token"),
    "keys by page_size=0": _get("/v1/keys?page_size=0"),
    **{
        f"audit events by {query}": _get(f"/v1/audit-events?{query}")
        for query in ("page_size=0", "page_size=201", "actor=ann")
    },
    **{
        f"{route.name} with an unknown parameter": BadRequest(
            path=f"{route.path}?dry-run=true", method=route.method, detail="'dry-run'"
        )
        for route in ROUTES
        if route.path.startswith("/v1/")
    },
}


@pytest.mark.parametrize("bad", CASES.values(), ids=CASES.keys())
async def test_bad_input_is_explained_and_changes_nothing(bad: BadRequest) -> None:
    async with running_app(max_ttl="24h") as app:
        made = await app.create_database("there")
        before = await _read_everything(app)
        async with app.client.request(
            bad.method,
            bad.path.replace("{id}", made["id"]),
            data=bad.body or None,
            headers=[*bad.headers, ("Connection", "close")],
        ) as response:
            code = bad.code or (await response.json())["code"]
            problem = await read_problem(response, bad.status, code)

        assert problem["retryable"] is False
        assert len(problem["detail"]) < 1000
        assert problem["detail"].isprintable()
        assert bad.detail in problem["detail"]
        assert await _read_everything(app) == before
        assert app.accepts(made["connection"])


async def test_a_body_of_unknown_length_is_limited_too(app: RunningApp) -> None:
    async with app.client.post(V1, data=_stream_spaces(), headers=JSON) as response:
        await read_problem(response, 413, "body_too_large")
    assert await app.is_empty()


async def test_a_body_of_the_maximum_size_is_accepted(app: RunningApp) -> None:
    body = _create_body("just fits").ljust(LIMIT)
    async with app.client.post(V1, data=body, headers=JSON) as response:
        assert response.status == 201


async def _read_everything(app: RunningApp) -> Any:
    return await app.get(V1), await app.get(KEYS), await app.provider.inventory()


async def _stream_spaces() -> AsyncIterator[bytes]:
    for _ in range(LIMIT // 1024 + 1):
        yield b" " * 1024
