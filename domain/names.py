"""Nicknames, and the PostgreSQL identifiers that are derived from them."""

import re
import unicodedata
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from anyascii import anyascii

from domain.errors import InvalidNickname

MAX_NICKNAME = 256
"""The maximum number of characters in a nickname."""

MAX_IDENTIFIER = 63
"""Bytes of a PostgreSQL identifier (NAMEDATALEN - 1); the server truncates longer ones silently."""

OWNER_PREFIX = "user_"
"""The prefix of the owner's name before the database's name, as in the original service."""

MAX_BASE = MAX_IDENTIFIER - len(OWNER_PREFIX)

SUFFIX_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
SUFFIX_LENGTH = 6

RESERVED = frozenset(
    {"postgres", "template0", "template1", "neondb", "pgvend"}
    | {"rdsadmin", "cloudsqladmin", "azure_maintenance", "azure_sys", "defaultdb"}
    | {"all", "sameuser", "samerole", "samegroup", "replication"}
)
"""Names that exist on servers by default, or are keywords in pg_hba.conf."""

_DISALLOWED = re.compile(r"[^a-z0-9_-]")
_UNICODE_HYPHEN = "\u2010"
_HASH_LENGTH = 8


@dataclass(frozen=True, slots=True)
class PgNames:
    """The identifiers of a database and its owner: at most 63 bytes each, ASCII.

    New names begin with a letter, a digit or `_`, so that no program mistakes them for an option.
    Records of older releases may contain others.
    """

    database: str
    owner: str

    @classmethod
    def from_id(cls, database_id: str) -> Self:
        """Return the opaque names of a database: its id says nothing about its use."""
        return cls(database=database_id, owner=OWNER_PREFIX + database_id)


@dataclass(frozen=True, slots=True)
class Nickname:
    """The name that a caller typed for a database, unchanged.

    `parse` validates the text of a request. Records may hold nicknames that it rejects: those of
    imported databases.
    """

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the nickname of a request.

        Raises InvalidNickname if the text is too long, contains control characters, or has neither
        a letter nor a digit.
        """
        if len(text) > MAX_NICKNAME:
            raise InvalidNickname(
                f"The nickname has {len(text)} characters; use at most {MAX_NICKNAME}."
            )
        if any(unicodedata.category(char) in {"Cc", "Cs"} for char in text):
            raise InvalidNickname("The nickname contains control characters; remove them.")
        nickname = cls(text)
        if not any(char.isalnum() for char in nickname._clean()):
            raise InvalidNickname("The nickname needs a letter or a digit; add one.")
        return nickname

    def _clean(self) -> str:
        composed = unicodedata.normalize("NFKC", self.text).replace(_UNICODE_HYPHEN, "-")
        ascii_only = composed if composed.isascii() else "".join(map(_transliterate, composed))
        return _DISALLOWED.sub("", ascii_only.lower()).lstrip("-")

    @property
    def base(self) -> str:
        """The database's name without a suffix: at most 58 bytes.

        A longer name is truncated and ends in a hash of the whole name, so that two long nicknames
        with the same beginning get different names.
        """
        cleaned = self._clean()
        if len(cleaned) <= MAX_BASE:
            return cleaned
        digest = sha256(cleaned.encode()).hexdigest()[:_HASH_LENGTH]
        return _join(cleaned, digest)

    def is_reserved(self) -> bool:
        return self.base in RESERVED

    def derive_names(self, suffix: str = "") -> PgNames:
        """Return the identifiers, with `suffix` if those without are reserved or taken."""
        database = _join(self.base, suffix) if suffix else self.base
        return PgNames(database=database, owner=OWNER_PREFIX + database)


def _transliterate(char: str) -> str:
    """Return the character in ASCII, without hyphens that the caller did not type (of a dash, or of
    `e-mail` for an emoji): a name with a hyphen needs quotes in SQL."""
    return char if char.isascii() else anyascii(char).replace("-", "")


def _join(base: str, suffix: str) -> str:
    return f"{base[: MAX_BASE - len(suffix) - 1]}_{suffix}"
