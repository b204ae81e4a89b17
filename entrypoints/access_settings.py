"""Who may ask: the operator's own keys."""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from domain.anonymous import AnonymousAccess
from domain.caller import Caller, Scope
from domain.errors import InvalidRequest
from domain.keys import StaticKey, checked_name, digest_of
from domain.secret import Secret
from entrypoints.anonymous_settings import AnonymousCreate

SHORTEST = 16

ADMIN = "admin"

_NAMED = re.compile(r"([^=]*)=(.*)", re.DOTALL)
_PADDED = re.compile(r"[A-Za-z0-9+/_-]{30,}={1,2}")
"""A name and its key; base64 alone, too long to be a name that lacks its key."""

ApiKeys = Annotated[
    SecretStr | None,
    Field(
        validation_alias="PGVEND_API_KEYS",
        description=f"keys of {SHORTEST} or more characters, comma separated, each with its name "
        "or without: web=Zk3v...,ci=9xQw...",
    ),
]
AdminKey = Annotated[
    SecretStr | None,
    Field(
        validation_alias="PGVEND_ADMIN_KEY",
        description=f"{SHORTEST} or more random characters, such as `openssl rand -hex 32` prints",
    ),
]


def static_keys(api_keys: SecretStr | None, admin_key: SecretStr | None) -> Sequence[StaticKey]:
    """Raises ValueError, without a key in it."""
    keys = [*_callers(api_keys.get_secret_value())] if api_keys else []
    if api_keys and not keys:
        raise ValueError("there is no key in it")
    if admin_key:
        keys.append(_key(ADMIN, admin_key.get_secret_value(), frozenset({Scope.ADMIN})))
    if len({key.digest for key in keys}) < len(keys):
        raise ValueError("the same key is there twice")
    return keys


def _callers(text: str) -> Iterator[StaticKey]:
    """A key without a name is a caller of its own, whose databases no other key reaches."""
    for place, part in enumerate(filter(None, map(str.strip, text.split(","))), start=1):
        named = None if _PADDED.fullmatch(part) else _NAMED.fullmatch(part)
        name, key = named.groups() if named else (_name_of(part), part)
        try:
            name = checked_name(name)
        except InvalidRequest:
            raise ValueError(f"the name of key {place} is none") from None
        yield _key(name, key, frozenset(Scope) - {Scope.ADMIN}, place)


def _name_of(key: str) -> str:
    return f"key-{digest_of(Secret(key))[:12]}"


def _key(name: str, key: str, scopes: frozenset[Scope], place: int = 1) -> StaticKey:
    if len(key) < SHORTEST or not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError(
            f"key {place} is shorter than {SHORTEST} characters, or holds others than visible "
            "ASCII ones"
        )
    return StaticKey(digest_of(Secret(key)), Caller(name=name, scopes=scopes, key=name))


class AccessSettings(BaseModel):
    """The part of the settings that is about callers."""

    api_keys: ApiKeys = None
    admin_key: AdminKey = None
    anonymous_create: AnonymousCreate = None

    @field_validator("api_keys")
    @classmethod
    def _are_keys(cls, keys: SecretStr | None) -> SecretStr | None:
        static_keys(keys, None)
        return keys

    @field_validator("admin_key")
    @classmethod
    def _is_a_key(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        static_keys(info.data.get("api_keys"), key)
        return key

    @field_validator("anonymous_create")
    @classmethod
    def _is_an_exception(
        cls, access: AnonymousAccess | None, info: ValidationInfo
    ) -> AnonymousAccess | None:
        """Keys that were wrong are reported already."""
        are_right = {"api_keys", "admin_key"} <= info.data.keys()
        if access and are_right and not (info.data["api_keys"] or info.data["admin_key"]):
            raise ValueError(
                "there are no keys, so that its limits would hold for nobody: set PGVEND_ADMIN_KEY "
                "or PGVEND_API_KEYS too, or remove it"
            )
        return access

    @property
    def is_open(self) -> bool:
        """Whether callers need no key."""
        return not (self.api_keys or self.admin_key)

    @property
    def static_keys(self) -> Sequence[StaticKey]:
        return static_keys(self.api_keys, self.admin_key)
