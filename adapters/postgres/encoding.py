"""Encoding and locale of new databases: always UTF8, whatever the server's default is."""

from dataclasses import dataclass

import asyncpg

from adapters.postgres.quoting import quote_literal
from adapters.postgres.sessions import Session

FIRST_WITH_BUILTIN = 17
"""The first version with a built-in locale provider for the letters of all scripts (C.UTF-8)."""

_TEMPLATE = """
SELECT pg_encoding_to_char(encoding) AS encoding, datcollate AS collation, datctype AS characters,
       datlocprovider = 'c' AS is_libc, current_setting('server_version_num')::int / 10000 AS major
FROM pg_database WHERE datname = 'template0'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template0:
    """The encoding and locale of template0, which a new database inherits.

    `collation` and `characters` are locales of the operating system. `is_libc` is false if
    PostgreSQL or ICU sorts text instead, by a locale that fits every encoding.
    """

    encoding: str
    collation: str
    characters: str
    is_libc: bool
    major: int

    @property
    def allows_utf8(self) -> bool:
        """Whether a database with these locales can be UTF8."""
        return self.encoding == "UTF8" or all(
            map(_is_utf8_compatible, (self.collation, self.characters))
        )

    @property
    def clause(self) -> str:
        """The clause of CREATE DATABASE that selects UTF8: with the server's own locale if that
        allows UTF8, else with C. A locale of ICU is kept."""
        if self.allows_utf8:
            return "ENCODING 'UTF8'"
        clause = "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
        if self.is_libc and self.major >= FIRST_WITH_BUILTIN:
            clause += f" LOCALE_PROVIDER builtin BUILTIN_LOCALE {quote_literal('C.UTF-8')}"
        return clause


async def fetch_template0(session: Session | asyncpg.Connection) -> Template0:
    """Read the encoding and locale of the server's template0."""
    [row] = await session.fetch(_TEMPLATE)
    return Template0(**row)


def _is_utf8_compatible(locale: str) -> bool:
    """Return whether the locale allows UTF8. SQL does not report that, but the name does; a locale
    whose name has no encoding uses a legacy one."""
    return locale in {"C", "POSIX"} or "utf8" in locale.lower().replace("-", "")
