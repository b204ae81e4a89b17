"""Settings of access: the operator's API keys."""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from domain.api_keys import StaticKey, digest_key, validate_key_name
from domain.callers import AnonymousAccess, Caller, Scope
from domain.errors import InvalidRequest
from domain.secrets import Secret
from entrypoints.config.anonymous import AnonymousCreate

MIN_KEY_LENGTH = 16

ADMIN_KEY_NAME = "admin"

ADMIN = Caller(name=ADMIN_KEY_NAME, scopes=frozenset({Scope.ADMIN}), key=ADMIN_KEY_NAME)
"""The caller of the operator's admin key."""

_NAME_AND_KEY = re.compile(r"([^=]*)=(.*)", re.DOTALL)
_PADDED_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{30,}={1,2}")
"""A key in base64 with padding. It is too long for the name of a missing key."""

ApiKeys = Annotated[
    SecretStr | None,
    Field(
        validation_alias="PGVEND_API_KEYS",
        description=f"keys of {MIN_KEY_LENGTH} or more characters, comma separated, each with or "
        "without a name: web=Zk3v...,ci=9xQw...",
    ),
]
AdminKey = Annotated[
    SecretStr | None,
    Field(
        validation_alias="PGVEND_ADMIN_KEY",
        description=f"{MIN_KEY_LENGTH} or more random characters, such as `openssl rand -hex 32` "
        "prints",
    ),
]


def parse_static_keys(
    api_keys: SecretStr | None, admin_key: SecretStr | None
) -> Sequence[StaticKey]:
    """Parse the keys. Raises ValueError; its message holds no key."""
    keys = [*_parse_caller_keys(api_keys.get_secret_value())] if api_keys else []
    if api_keys and not keys:
        raise ValueError("it holds no key")
    if admin_key:
        keys.append(_create_key(ADMIN, admin_key.get_secret_value()))
    if len({key.digest for key in keys}) < len(keys):
        raise ValueError("it holds the same key twice")
    return keys


def _parse_caller_keys(text: str) -> Iterator[StaticKey]:
    """Yield the keys. A key without a name is a caller of its own, with a name derived from it."""
    for place, part in enumerate(filter(None, map(str.strip, text.split(","))), start=1):
        named = None if _PADDED_BASE64.fullmatch(part) else _NAME_AND_KEY.fullmatch(part)
        name, key = named.groups() if named else (_derive_name(part), part)
        try:
            name = validate_key_name(name)
        except InvalidRequest:
            raise ValueError(f"the name of key {place} is invalid") from None
        scopes = frozenset(Scope) - {Scope.ADMIN}
        yield _create_key(Caller(name=name, scopes=scopes, key=name), key, place)


def _derive_name(key: str) -> str:
    return f"key-{digest_key(Secret(key))[:12]}"


def _create_key(caller: Caller, key: str, place: int = 1) -> StaticKey:
    if len(key) < MIN_KEY_LENGTH or not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError(
            f"key {place} is shorter than {MIN_KEY_LENGTH} characters or holds characters that are "
            "not visible ASCII"
        )
    return StaticKey(digest_key(Secret(key)), caller)


class AccessSettings(BaseModel):
    """Settings of callers and their keys."""

    api_keys: ApiKeys = None
    admin_key: AdminKey = None
    anonymous_create: AnonymousCreate = None

    @field_validator("api_keys")
    @classmethod
    def _check_api_keys(cls, keys: SecretStr | None) -> SecretStr | None:
        parse_static_keys(keys, None)
        return keys

    @field_validator("admin_key")
    @classmethod
    def _check_admin_key(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        parse_static_keys(info.data.get("api_keys"), key)
        return key

    @field_validator("anonymous_create")
    @classmethod
    def _check_anonymous_create(
        cls, access: AnonymousAccess | None, info: ValidationInfo
    ) -> AnonymousAccess | None:
        """Invalid keys have been reported before."""
        are_valid = {"api_keys", "admin_key"} <= info.data.keys()
        if access and are_valid and not (info.data["api_keys"] or info.data["admin_key"]):
            raise ValueError(
                "no keys are set, so that everyone has access without its limits: set "
                "PGVEND_ADMIN_KEY or PGVEND_API_KEYS too, or remove it"
            )
        return access

    @property
    def is_open(self) -> bool:
        """Whether callers need no API key."""
        return not (self.api_keys or self.admin_key)

    @property
    def static_keys(self) -> Sequence[StaticKey]:
        return parse_static_keys(self.api_keys, self.admin_key)
