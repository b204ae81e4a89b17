"""How text is kept and sorted in new databases, and whether all of ours keep it so."""

from adapters.postgres.encoding import Template, template_of
from adapters.postgres.examining.marks import ANY_MARK
from adapters.postgres.examining.subject import Questions, Subject
from adapters.postgres.sessions import Session
from domain.checkup import Outcome, Verdict, counted

_OTHERS = """
SELECT d.datname AS name FROM pg_database AS d
WHERE starts_with(shobj_description(d.datdba, 'pg_authid'), $1)
  AND pg_encoding_to_char(d.encoding) <> 'UTF8'
ORDER BY d.datname
"""


async def encoding(session: Session, _: Subject) -> Outcome:
    others = [row["name"] for row in await session.fetch(_OTHERS, ANY_MARK)]
    if others:
        return Outcome(
            Verdict.WARN,
            f"{counted(len(others), 'database')} of ours, made earlier, are not UTF8 "
            f"({', '.join(others)}): create new ones, and move the data by pg_dump and "
            "pg_restore.",
        )
    return judged_template(await template_of(session))


def judged_template(template: Template) -> Outcome:
    if template.takes_utf8:
        sorting = f"by the locale {template.collation}" if template.is_libc else "as template0 does"
        return Outcome(Verdict.OK, f"New databases are UTF8, and sort text {sorting}.")
    return Outcome(
        Verdict.WARN,
        f"template0's locale {template.collation} does not allow UTF8: new databases are UTF8 all "
        "the same, with the locale C. For a language's order, run pgvend on a server made by "
        "initdb --encoding=UTF8 with a locale such as de_DE.UTF-8.",
    )


QUESTIONS: Questions = {"encoding": encoding}
