"""Scripts of pg_dump without owners and privileges."""

import pytest

from domain.errors import InvalidRequest
from entrypoints.cli.sql_scripts import is_dump, omit_owners

END = "-- PostgreSQL database dump complete\n"

OMITTED = [
    "ALTER TABLE public.fruits OWNER TO bob;",
    'ALTER FUNCTION public.f(text) OWNER TO "Bob";',
    "GRANT SELECT ON TABLE public.fruits TO reader;",
    "REVOKE USAGE ON SCHEMA public FROM PUBLIC;",
    "ALTER DEFAULT PRIVILEGES FOR ROLE bob GRANT ALL ON TABLES TO reader;",
    "SET SESSION AUTHORIZATION 'bob';",
    "SET transaction_timeout = 0;",
    "SET default_tablespace = fast;",
    "CREATE DATABASE shop WITH TEMPLATE = template0;",
    "ALTER DATABASE shop SET search_path TO 'a';",
    "COMMENT ON DATABASE shop IS 'it''s';",
    r"\connect shop",
    "BEGIN;",
    "COMMIT;",
]


@pytest.mark.parametrize("line", OMITTED)
def test_a_statement_that_only_others_can_execute_becomes_a_blank_line(line: str) -> None:
    assert omit(f"SELECT 1;\n{line}\nSELECT 2;\n") == "SELECT 1;\n\nSELECT 2;\n"


KEPT = {
    "other statements": "ALTER TABLE a ADD PRIMARY KEY (id);\nSET default_tablespace = '';\n",
    "rows of COPY": "COPY public.notes (text) FROM stdin;\nGRANT x TO y;\nit's\n\\.\n",
    "a string of several lines": "INSERT INTO a VALUES ('a\nGRANT x TO y;\n''s\nREVOKE x;\n');\n",
    "an escaped string": "INSERT INTO notes VALUES (E'\\'\nGRANT x TO y;\n');\n",
    "a quoted name": 'COMMENT ON TABLE "a\nGRANT x TO y;\n" IS NULL;\n',
    "a body": "CREATE FUNCTION f() AS $_$ 'it\nGRANT x TO y;\n$$\nGRANT x TO y;\n$_$;\n",
    "a statement of several lines": "CREATE VIEW v AS SELECT '\nGRANT x TO y;\n' AS a;\n",
}


@pytest.mark.parametrize("script", KEPT.values(), ids=KEPT)
def test_everything_else_is_kept(script: str) -> None:
    assert omit(script) == script


ENDS = {
    "COPY": "COPY public.notes (text) FROM stdin;\nit's\n\\.\n",
    "a comment": "-- it's a comment\n",
    "a string": "COMMENT ON TABLE a IS 'it''s';\n",
    "an escaped string": "COMMENT ON TABLE a IS E'it\\'s';\n",
    "a body": "CREATE FUNCTION f() AS $_$ it's $$ $_$;\n",
}


@pytest.mark.parametrize("script", ENDS.values(), ids=ENDS)
def test_statements_are_found_again_after_data_and_quotes(script: str) -> None:
    assert omit(f"{script}GRANT x TO y;\n") == f"{script}\n"


def test_only_a_script_of_pg_dump_is_a_dump() -> None:
    assert is_dump(b"--\n-- PostgreSQL database dump\n--\n")
    assert not is_dump(b"GRANT SELECT ON fruits TO PUBLIC;\n")


TRUNCATED = {
    "without an end": "SELECT 1;\n",
    "in a row of COPY": f"COPY a (b) FROM stdin;\n{END}",
    "in a string": f"SELECT '\n{END}",
}


@pytest.mark.parametrize("script", TRUNCATED.values(), ids=TRUNCATED)
def test_a_dump_that_is_not_complete_is_an_error_at_its_end(script: str) -> None:
    with pytest.raises(InvalidRequest, match="not complete"):
        list(omit_owners(script.encode().splitlines(keepends=True)))


def omit(script: str) -> str:
    """Return the complete script without owners."""
    lines = f"{script}{END}".encode().splitlines(keepends=True)
    return b"".join(omit_owners(lines)).decode().removesuffix(END)
