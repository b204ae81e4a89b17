"""Made-up requests, as bytes: what a client library would never send."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

PATIENCE = 60.0
"""Seconds for an answer on a busy machine; no test is about this time."""

Header = tuple[str, bytes]

HEADERS = (
    "Accept",
    "Authorization",
    "Connection",
    "Content-Encoding",
    "Content-Type",
    "Cookie",
    "Expect",
    "Host",
    "Idempotency-Key",
    "If-Match",
    "Last-Event-ID",
    "Origin",
    "Prefer",
    "Range",
    "Upgrade",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Request-ID",
)

ALMOST = (
    b"*",
    b'"1"',
    b'W/"1", "2"',
    b"respond-async, wait=1",
    b"Bearer pgv_01234567_" + b"0" * 64,
    b"bearer ",
    b"application/json; charset=none",
    b"text/*;q=1e400, */*;q=nan",
    b"4-settled",
    b"999999999-settled",
    b"[::ffff:127.0.0.1]:1, ::1%lo, 127.1, 1.2.3.4.5",
    b"https://app.example:99999",
    b"100-continue",
    b"gzip, deflate, br",
    b"\xed\xa0\x80\xff",
    b"close, Upgrade",
    b"websocket",
)
"""Values that a parser looks at for longer before it refuses them."""

values = st.one_of(
    st.sampled_from(ALMOST),
    st.binary(max_size=40).map(lambda raw: raw.translate(None, b"\r\n\0")),
    st.lists(st.sampled_from(ALMOST), max_size=6).map(b", ".join),
)
headers = st.lists(st.tuples(st.sampled_from(HEADERS), values), max_size=6)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=70), inner),
    max_leaves=20,
)
MEMBERS: tuple[str, ...] = (
    "nickname",
    "ttl",
    "labels",
    "extensions",
    "on_conflict",
    "dry_run",
    "project",
    "name",
)
MEMBERS += ("scopes", "quota", "rate", "origins")
orders = st.dictionaries(st.sampled_from(MEMBERS), documents)
words = st.text(max_size=80)
plausible = st.fixed_dictionaries(
    {"nickname": words},
    optional={
        "ttl": st.sampled_from(("24h", "P1D", "0s", "999999999w", "P1W1D")) | words,
        "labels": st.dictionaries(words | st.just("team"), words | st.just("web"), max_size=40),
        "extensions": st.lists(words | st.just("vector"), max_size=3),
        "on_conflict": st.sampled_from(("suffix", "reject")),
    },
)
bodies = st.one_of(
    st.binary(max_size=200),
    (documents | orders).map(lambda document: json.dumps(document).encode()),
    plausible.map(lambda order: json.dumps(order, ensure_ascii=False).encode(errors="replace")),
    words.map(lambda name: json.dumps({"project": {"name": name}}).encode()),
    st.integers(1, 20_000).map(lambda depth: b"[" * depth),
)

odd_bytes = st.binary(min_size=1, max_size=20).map(lambda raw: b"".join(map(_escaped, raw)))
odd_paths = st.one_of(
    odd_bytes,
    st.sampled_from((b"%00", b"%ED%A0%80", b"%ff", b"%2e%2e", b"%2F", b"db_%00", b"%", b"%zz")),
)
queries = st.lists(
    st.tuples(
        st.sampled_from((b"state", b"label", b"page_token", b"page_size", b"format", b"subject")),
        odd_paths | st.sampled_from((b"a=b", b"=", b"ready", b"json", b"4" * 400)),
    ),
    max_size=4,
).map(lambda pairs: b"&".join(b"=".join(pair) for pair in pairs))


@dataclass(frozen=True)
class Answered:
    """What came back: `body` is None where it was no JSON."""

    status: int
    media_type: str
    body: Any


def _escaped(byte: int) -> bytes:
    return b"%%%02X" % byte


def request_of(
    method: str, path: bytes, fields: Sequence[Header] = (), body: bytes | None = None
) -> bytes:
    told = [*fields, ("Connection", b"close")]
    if not any(name == "Host" for name, _ in fields):
        told.append(("Host", b"localhost"))
    if body is not None:
        told.append(("Content-Length", str(len(body)).encode()))
    lines = [method.encode() + b" " + path + b" HTTP/1.1"]
    lines += [name.encode() + b": " + value for name, value in told]
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


async def answered(port: int, request: bytes) -> Answered | None:
    """The first word on it; None where the service only hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(request)
            said = await reader.read()
    except ConnectionResetError:
        return None
    finally:
        writer.transport.abort()
    return _parsed(said)


def _parsed(said: bytes) -> Answered | None:
    while said.startswith(b"HTTP/1.1 100"):
        said = said.partition(b"\r\n\r\n")[2]
    if not said:
        return None
    head, _, body = said.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:])
    media_type = fields.get("content-type", "").partition(";")[0]
    is_json = media_type.endswith("json") and body
    return Answered(int(lines[0].split()[1]), media_type, json.loads(body) if is_json else None)
