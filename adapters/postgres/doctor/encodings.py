"""Check of the encoding and collation of new and existing databases."""

from adapters.postgres.doctor.context import CheckContext, CheckFunctions
from adapters.postgres.encoding import Template0, fetch_template0
from adapters.postgres.marks import ANY_MARK
from adapters.postgres.sessions import Session
from domain.doctor import Outcome, Verdict, format_count

_NOT_UTF8 = """
SELECT d.datname AS name FROM pg_database AS d
WHERE starts_with(shobj_description(d.datdba, 'pg_authid'), $1)
  AND pg_encoding_to_char(d.encoding) <> 'UTF8'
ORDER BY d.datname
"""


async def check_encoding(session: Session, _: CheckContext) -> Outcome:
    names = [row["name"] for row in await session.fetch(_NOT_UTF8, ANY_MARK)]
    if names:
        return Outcome(
            Verdict.WARN,
            f"Not UTF8: {format_count(len(names), 'existing database')} ({', '.join(names)}). "
            "Create new ones, and move the data with pg_dump and pg_restore.",
        )
    return assess_template(await fetch_template0(session))


def assess_template(template: Template0) -> Outcome:
    if template.allows_utf8:
        sorting = f"by the locale {template.collation}" if template.is_libc else "as template0 does"
        return Outcome(Verdict.OK, f"New databases are UTF8, and sort text {sorting}.")
    return Outcome(
        Verdict.WARN,
        f"template0's locale {template.collation} does not allow UTF8: new databases are UTF8 "
        "with the locale C. To sort text by the rules of a language, create the server with "
        "initdb --encoding=UTF8 and a locale such as de_DE.UTF-8.",
    )


CHECKS: CheckFunctions = {"encoding": check_encoding}
