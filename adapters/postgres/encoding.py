"""The encoding and the locale of new databases: UTF8, whatever the server's default is."""

from dataclasses import dataclass

import asyncpg

from adapters.postgres.quoting import literal
from adapters.postgres.sessions import Session

FIRST_WITH_BUILTIN = 17
"""The first version whose own locale provider knows the letters of all scripts (C.UTF-8)."""

_TEMPLATE = """
SELECT pg_encoding_to_char(encoding) AS encoding, datcollate AS collation, datctype AS characters,
       datlocprovider = 'c' AS is_libc, current_setting('server_version_num')::int / 10000 AS major
FROM pg_database WHERE datname = 'template0'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What template0 would pass on to a new database.

    `collation` and `characters` are locales of the operating system; `is_libc` is off where
    PostgreSQL or ICU sorts text instead, by a locale that fits every encoding.
    """

    encoding: str
    collation: str
    characters: str
    is_libc: bool
    major: int

    @property
    def takes_utf8(self) -> bool:
        """Whether a database of these locales may be UTF8."""
        return self.encoding == "UTF8" or all(map(_fits, (self.collation, self.characters)))

    @property
    def clause(self) -> str:
        """How CREATE DATABASE is asked for UTF8: with the server's own locale, where that allows
        it, else by C. What ICU sorts stays as it is."""
        if self.takes_utf8:
            return "ENCODING 'UTF8'"
        clause = "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
        if self.is_libc and self.major >= FIRST_WITH_BUILTIN:
            clause += f" LOCALE_PROVIDER builtin BUILTIN_LOCALE {literal('C.UTF-8')}"
        return clause


async def template_of(session: Session | asyncpg.Connection) -> Template:
    """Look at the server's template0."""
    [found] = await session.fetch(_TEMPLATE)
    return Template(**found)


def _fits(locale: str) -> bool:
    """Whether that locale's text may be UTF8: SQL does not tell, but names do, and those that name
    no encoding have an old one."""
    return locale in {"C", "POSIX"} or "utf8" in locale.lower().replace("-", "")
