"""Other invalid requests: the problem explains what to change, and nothing is changed."""

from base64 import b64encode
from typing import Any
from urllib.parse import quote

import pytest

from entrypoints.http.api.routes.table import ROUTES
from tests.support.bad_requests import (
    JSON,
    KEYS,
    LEGACY,
    ONE,
    V1,
    BadRequest,
    build_content_type,
    build_malformed,
    check_bad_request,
    create_body,
    to_json,
)


def build_change(body: Any, code: str = "invalid_request") -> BadRequest:
    return BadRequest(to_json(body), code=code, path=ONE, method="PATCH")


def build_action(what: str, body: Any) -> BadRequest:
    return BadRequest(to_json(body), path=f"{ONE}/{what}")


def build_if_match(*tags: str, code: str = "precondition_failed") -> BadRequest:
    status, detail = (412, "") if code == "precondition_failed" else (422, "If-Match")
    headers = [("If-Match", tag) for tag in tags] + [*JSON]
    return BadRequest(to_json({"labels": {"a": "b"}}), status, code, ONE, "PATCH", headers, detail)


def build_get(
    path: str, code: str = "invalid_request", detail: str = "", **headers: str
) -> BadRequest:
    status = 406 if code == "not_acceptable" else 422
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return BadRequest(b"", status, code, path, "GET", named, detail)


def build_idempotency_keys(path: str, *keys: str) -> BadRequest:
    body = create_body() if path == V1 else to_json({"project": {"name": "fine"}})
    headers = [("Idempotency-Key", key) for key in keys] + [*JSON]
    return BadRequest(body, path=path, headers=headers, detail="Idempotency-Key")


def build_key(**body: Any) -> BadRequest:
    return BadRequest(to_json({"scopes": ["create"], **body}), path=KEYS, code="")


INVALID_CHANGES: list[Any] = [
    *({}, {"labels": None}, {"ttl": 60}, {"state": "ready"}, {"labels": {"a": None}}),
    {"ttl": "1h", "nickname": "other"},
    {"ttl": "1h", "expires_at": "2026-01-02T04:04:05Z"},
    {"ttl": None, "expires_at": None},
    *({"expires_at": bad} for bad in ("", "soon", "2026-01-02T04:04:05", "2026-01-02", 1767326645)),
]
INVALID_RESTORATIONS: list[Any] = [{"ttl": 1}, {"labels": {}}, []]
INVALID_ROTATIONS: list[Any] = [{"end_sessions": 1}, {"end_sessions": "yes"}, {"end": True}, []]
INVALID_EXTENSION_NAMES = ('"; --', "", "x" * 64, 7, None)
UNACCEPTABLE_TTLS = ("soon", "1s", "25h")
UNACCEPTABLE_EXPIRIES: list[dict[str, Any]] = [
    {"ttl": None},
    {"expires_at": None},
    {"expires_at": "2026-01-02T03:05:04Z"},
    {"expires_at": "2026-01-03T03:04:05.000001Z"},
    {"expires_at": "2025-12-31T23:59:59+01:00"},
    {"expires_at": "9999-12-31T23:59:59-23:59"},
    {"expires_at": "0001-01-01T00:00:00+23:59"},
]
OTHER_VERSIONS = ('"0"', '"999999999"', f'"{"9" * 22}"', '"-1"', '"x"', '""', '"*"', '"a", "b"')
INVALID_ETAGS = ("", "3", "'3'", '"3', '3"', '"3" "4"', '"3",', '*, "3"', "w/*", '"é"', '"3", x')
INVALID_QUERIES = (
    *("page_size=0", "page_size=201", "page_size=-1", "page_size=1e1", "page_size="),
    "page_size=%D9%A3",  # a digit, but not ASCII
    *("page_size=000000001999", "page_size=5&page_size=200", "page_token=&page_token="),
    *("state=", "state=READY", "state=ready,deleted", "state=ready&state=gone"),
    *("state=spare", "state=template"),
    *("label=team", "label=", "limit=3", "page-size=3", quote("<script>") + "=1"),
)
INVALID_LABEL_FILTERS = (
    *("label=%00=x", "label=a=%00", "label=a=%ff", "label=a=%ED%A0%80", "state=%00"),
    *("label=a=1&label=a=2", f"label={'k' * 64}=x"),
    "&".join(f"label=k{number}=" for number in range(33)),
)
INVALID_PAGE_TOKENS = (
    "1",
    "abc",
    "AAAA",
    "%00",
    "%ff%fe",
    quote("é"),
    "x" * 5000,
    "ZGI=",
    "ZG",
    "===",
)
TOKEN_OF_UNKNOWN_KEY = b64encode(b"pgv_00000000").decode()
INVALID_BOOLEANS = ("perhaps", 0, 1, "true", "no", None)
INVALID_KEY_MEMBERS: dict[str, tuple[Any, ...]] = {
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
    **{f"change {body!r}": build_change(body) for body in INVALID_CHANGES},
    **{f"restore {body!r}": build_action("restore", body) for body in INVALID_RESTORATIONS},
    **{f"rotate {body!r}": build_action("rotate", body) for body in INVALID_ROTATIONS},
    **{
        f"add extension {bad!r}"[:30]: build_action("extensions", {"name": bad})
        for bad in INVALID_EXTENSION_NAMES
    },
    **{
        f"change ttl {bad!r}": build_change({"ttl": bad}, "invalid_duration")
        for bad in UNACCEPTABLE_TTLS
    },
    **{f"change {body!r}": build_change(body, "invalid_expiry") for body in UNACCEPTABLE_EXPIRIES},
    "change labels": build_change({"labels": {"": "x"}}, "invalid_labels"),
    "change both": build_change({"ttl": "1h", "labels": {"a b": "x"}}, "invalid_labels"),
    "change nothing": build_malformed(b"", ONE, "PATCH"),
    "change as text": build_content_type("text/plain", "PATCH", ONE),
    **{f"If-Match {tag}": build_if_match(tag) for tag in OTHER_VERSIONS},
    **{f"If-Match {tag}": build_if_match(tag, code="invalid_request") for tag in INVALID_ETAGS},
    **{f"list by {query[:20]}": build_get(f"{V1}?{query}") for query in INVALID_QUERIES},
    **{
        f"list by label {label[:20]}": build_get(f"{V1}?{label}", "")
        for label in INVALID_LABEL_FILTERS
    },
    "list by a size beyond all": build_get(f"{V1}?page_size=" + "9" * 5000),
    "list by a long size": build_get(f"{V1}?page_size=" + "0" * 8 + "1" * 5000),
    **{
        f"page token {token[:9]}": build_get(f"{V1}?page_token={token}", "invalid_page_token")
        for token in INVALID_PAGE_TOKENS
    },
    **{
        f"format {query}": build_get(f"{ONE}/connection?format={query}", detail="k8s-secret")
        for query in ("xml", "", "JSON", "%00")
    },
    "two formats": build_get(f"{ONE}/connection?format=json&format=odd"),
    **{
        f"verify {bad}": build_get(f"{ONE}/connection?verify={bad}")
        for bad in ("1", "yes", "", "True")
    },
    **{
        f"Accept {accept}": build_get(
            f"{ONE}/connection", "not_acceptable", "application/json", Accept=accept
        )
        for accept in ("image/png", "text/html", "application/json;q=0", "garbage")
    },
    **{
        f"Last-Event-ID {last}": build_get(f"{ONE}/events", Last_Event_ID=last)
        for last in ("x", "-1", "1.5", "4-settle", "4 x", "1" * 10, "é", "settled")
    },
    **{
        f"Idempotency-Key {keys!r} {path}": build_idempotency_keys(path, *keys)
        for keys in ([""], ["  "], ["x" * 256], ["é"], ["a\tb"], ["one", "two"])
        for path in (V1, LEGACY)
    },
    **{
        f"reconcile {body!r}": BadRequest(to_json(body), path="/v1/reconciliations")
        for body in ({"dryrun": True}, [], *({"dry_run": bad} for bad in INVALID_BOOLEANS))
    },
    **{
        f"key with {name} {str(bad)[:30]}": build_key(**{name: bad})
        for name, several in INVALID_KEY_MEMBERS.items()
        for bad in several
    },
    "key without members": BadRequest(b"{}", path=KEYS),
    "audit events of an invalid page": build_get(
        "/v1/audit-events?page_token=x", "invalid_page_token"
    ),
    "keys of an invalid page": build_get("/v1/keys?page_token=x", "invalid_page_token"),
    "keys of an unknown page": build_get(
        f"/v1/keys?page_token={TOKEN_OF_UNKNOWN_KEY}", "invalid_page_token"
    ),
    "keys by page_size=0": build_get("/v1/keys?page_size=0"),
    **{
        f"audit events by {query}": build_get(f"/v1/audit-events?{query}")
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
async def test_an_invalid_request_is_explained_and_changes_nothing(bad: BadRequest) -> None:
    await check_bad_request(bad)
