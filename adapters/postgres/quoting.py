"""Quoting of names and texts for statements, because DDL takes no parameters.

No other input gets into statements.
"""


def quote_identifier(name: str) -> str:
    """Quote `name` as an identifier. Raises ValueError for NUL and half a surrogate pair, which
    PostgreSQL does not allow; the latter would make the driver lose the session."""
    if "\0" in name:
        raise ValueError("an identifier cannot contain NUL")
    name.encode()
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """Quote `text` as a string literal that is valid with every `standard_conforming_strings`."""
    if "\0" in text:
        raise ValueError("a string cannot contain NUL")
    escaped = text.replace("'", "''")
    if "\\" not in text:
        return f"'{escaped}'"
    return "E'" + escaped.replace("\\", "\\\\") + "'"
