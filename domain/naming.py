"""From what the caller typed to PostgreSQL identifiers."""

import re
import unicodedata
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from anyascii import anyascii

from domain.errors import InvalidNickname

MAX_NICKNAME = 256
"""Characters of a nickname; a longer one is a mistake, not a name."""

MAX_IDENTIFIER = 63
"""Bytes of a PostgreSQL identifier (NAMEDATALEN - 1); the server cuts longer ones silently."""

OWNER_PREFIX = "user_"
"""What the original service put before a database's name to name its owner."""

MAX_BASE = MAX_IDENTIFIER - len(OWNER_PREFIX)

SUFFIX_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
SUFFIX_LENGTH = 6

RESERVED = frozenset(
    {"postgres", "template0", "template1", "neondb", "pgvend"}
    | {"rdsadmin", "cloudsqladmin", "azure_maintenance", "azure_sys", "defaultdb"}
    | {"all", "sameuser", "samerole", "samegroup", "replication"}
)
"""What servers come with, and names with a meaning of their own in pg_hba.conf."""

_DROPPED = re.compile(r"[^a-z0-9_-]")
_UNICODE_HYPHEN = "\u2010"
_CUT_HASH = 8


@dataclass(frozen=True, slots=True)
class Names:
    """The identifiers of one database on its server; at most 63 bytes each, plain ASCII.

    Those of a new one begin with a letter, a digit or `_`: programs that get one as an argument
    must not take it for an option. Records of older releases may hold others.
    """

    database: str
    owner: str


@dataclass(frozen=True, slots=True)
class Nickname:
    """The name that a caller typed for a database, unchanged.

    `parse` validates the text of a request. Records may hold nicknames that it rejects: those of
    imported databases.
    """

    typed: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the nickname that the text names.

        Raises InvalidNickname when the text is too long, holds control characters, or has no letter
        and no digit to name a database by.
        """
        if len(text) > MAX_NICKNAME:
            raise InvalidNickname(
                f"The nickname has {len(text)} characters; use at most {MAX_NICKNAME}."
            )
        if any(unicodedata.category(char) in {"Cc", "Cs"} for char in text):
            raise InvalidNickname("The nickname holds control characters; leave them out.")
        nickname = cls(text)
        if not any(char.isalnum() for char in nickname._cleaned()):
            raise InvalidNickname(
                "The nickname leaves no letter and no digit to name a database by; add some."
            )
        return nickname

    def _cleaned(self) -> str:
        composed = unicodedata.normalize("NFKC", self.typed).replace(_UNICODE_HYPHEN, "-")
        ascii_only = "".join(map(_transliterated, composed))
        return _DROPPED.sub("", ascii_only.lower()).lstrip("-")

    def base(self) -> str:
        """The database's name when nothing is in its way: at most 58 bytes.

        A longer one is cut and ends in a hash of the whole, so that two long nicknames with the
        same beginning stay two names.
        """
        cleaned = self._cleaned()
        if len(cleaned) <= MAX_BASE:
            return cleaned
        digest = sha256(cleaned.encode()).hexdigest()[:_CUT_HASH]
        return _joined(cleaned, digest)

    def is_reserved(self) -> bool:
        return self.base() in RESERVED

    def names(self, suffix: str = "") -> Names:
        """The identifiers, told apart by `suffix` when the plain ones are reserved or in use."""
        database = _joined(self.base(), suffix) if suffix else self.base()
        return Names(database=database, owner=OWNER_PREFIX + database)


def _transliterated(char: str) -> str:
    """Write one character in ASCII, without hyphens that the caller did not type (those of a dash,
    or of `e-mail` for an emoji): with a hyphen, a name needs quoting in SQL."""
    return char if char.isascii() else anyascii(char).replace("-", "")


def _joined(base: str, suffix: str) -> str:
    return f"{base[: MAX_BASE - len(suffix) - 1]}_{suffix}"
