"""Parsers accept any text or raise the documented error, and no other."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.api_keys import parse_key_id, validate_key_name
from domain.audit import PREFIX
from domain.errors import InvalidRequest
from domain.expiry import parse_duration
from domain.idempotency import create_idempotency_key
from domain.ids import is_id
from domain.labels import validate_labels
from domain.names import Nickname
from domain.rates import parse_rate
from domain.secrets import Secret
from domain.sizes import parse_size
from entrypoints.config.settings import Settings
from entrypoints.formats import NotAcceptable, choose_format
from entrypoints.http.api.schemas.databases import (
    ChangeDatabaseRequest,
    CreateDatabaseRequest,
    RestoreDatabaseRequest,
)
from entrypoints.http.api.schemas.legacy import LegacyDatabaseRequest
from entrypoints.http.api.schemas.reconciliations import CreateReconciliationRequest
from entrypoints.http.middleware.forwarded_headers import parse_address
from entrypoints.http.middleware.origin_check import is_local
from ports.use_cases import pagination

texts = st.text(max_size=300) | st.text(st.characters(categories=["Nd", "Zs", "Cs", "Cc", "Cf"]))
"""Any text; and digits, spaces, control characters and surrogates of all scripts."""

PARSERS: dict[str, Callable[[str], object]] = {
    "duration": parse_duration,
    "rate": parse_rate,
    "nickname": Nickname,
    "label": lambda text: validate_labels({text: text}),
    "idempotency key": lambda text: create_idempotency_key("anyone", text, "{}"),
    "key's name": validate_key_name,
    "page token": pagination.parse_token,
    "audit's page token": lambda text: pagination.parse_token(text, PREFIX),
    "format": lambda text: choose_format(text, None),
}

BODIES = (
    CreateDatabaseRequest,
    ChangeDatabaseRequest,
    RestoreDatabaseRequest,
    CreateReconciliationRequest,
    LegacyDatabaseRequest,
)


@pytest.mark.parametrize("parser", PARSERS)
@given(text=texts)
@example(text="9" * 300)
@example(text="\ud800")
@example(text="٣h")
@example(text="1/s\n")
def test_a_parser_accepts_a_text_or_raises_invalid_request(parser: str, text: str) -> None:
    with suppress(InvalidRequest):
        PARSERS[parser](text)


@given(text=texts)
@example(text="9" * 300 + "GB")
def test_a_size_is_parsed_or_raises_value_error(text: str) -> None:
    with suppress(ValueError):
        parse_size(text)


@given(accept=texts | st.text('*/;,="\\ q01.textplain', max_size=60))
@example(accept="text/plain;q=nan")
@example(accept='"' + "," * 200)
def test_any_accept_header_selects_a_format_or_is_refused(accept: str) -> None:
    with suppress(NotAcceptable):
        choose_format(None, accept)


@given(text=texts)
@example(text="[::1")
@example(text="1.2.3.4%eth0")
@example(text="localhost\n")
@example(text="127.0.0.1.evil.example")
def test_only_valid_keys_ids_addresses_and_hosts_are_recognized(
    text: str,
) -> None:
    found, address = parse_key_id(Secret(text)), parse_address(text)

    assert found is None or text.startswith(f"{found}_")
    assert not is_id(text) or text.isascii()
    assert address is None or parse_address(str(address)) == address
    assert not is_local(f"{text}.evil.example")


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
@given(raw=st.binary(max_size=200))
@example(raw=b"[" * 10_000)
@example(raw=b'{"nickname": "\\ud800"}')
def test_any_bytes_are_accepted_or_refused_as_a_body(body: Any, raw: bytes) -> None:
    with suppress(ValidationError):
        body.model_validate_json(raw)


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
@settings(max_examples=30)
@given(text=texts)
@example(text="")
@example(text="9" * 5000)
@example(text="http://[")
@example(text="a=b,a=b,=,")
def test_any_text_for_a_setting_is_accepted_or_explained(name: str, text: str) -> None:
    setting: TypeAdapter[Any] = TypeAdapter(Settings.model_fields[name].rebuild_annotation())
    with suppress(ValidationError):
        setting.validate_python(text)
