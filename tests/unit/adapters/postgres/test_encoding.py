"""The clause of CREATE DATABASE and the doctor's finding, for each kind of template0."""

from dataclasses import replace

import pytest

from adapters.postgres.doctor.encodings import assess_template
from adapters.postgres.encoding import Template0
from domain.doctor import Verdict

UTF8 = Template0(
    encoding="UTF8", collation="de_DE.UTF-8", characters="de_DE.UTF-8", is_libc=True, major=15
)
LATIN1 = replace(UTF8, encoding="LATIN1", collation="de_DE", characters="de_DE.iso88591")
BY_C = "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
BUILTIN = f"{BY_C} LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"


@pytest.mark.parametrize(
    "template",
    [
        UTF8,
        replace(UTF8, collation="German_Germany.1252", characters="German_Germany.1252"),
        replace(UTF8, encoding="SQL_ASCII"),
        replace(UTF8, encoding="SQL_ASCII", collation="C", characters="POSIX", major=18),
        replace(UTF8, encoding="LATIN1", collation="C", characters="C.utf8", is_libc=False),
    ],
)
def test_a_locale_that_allows_utf8_is_kept(template: Template0) -> None:
    assert template.clause == "ENCODING 'UTF8'"
    assert assess_template(template).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("template", "clause"),
    [
        (LATIN1, BY_C),
        (replace(LATIN1, collation="C"), BY_C),
        (replace(LATIN1, encoding="SQL_ASCII", major=16), BY_C),
        (replace(LATIN1, major=17), BUILTIN),
        (replace(LATIN1, major=18), BUILTIN),
        (replace(LATIN1, major=18, is_libc=False), BY_C),
    ],
)
def test_another_locale_is_replaced_with_a_warning(template: Template0, clause: str) -> None:
    assert template.clause == clause
    outcome = assess_template(template)
    assert outcome.verdict is Verdict.WARN
    assert template.collation in outcome.detail
