"""Quoting of names and texts, because DDL takes no parameters. Statements contain no other
input."""


def identifier(name: str) -> str:
    """Return `name` as a quoted identifier. Raises ValueError for NUL and half a surrogate pair,
    which PostgreSQL does not allow in identifiers; the latter would make the driver lose the
    session."""
    if "\0" in name:
        raise ValueError("an identifier cannot contain NUL")
    name.encode()
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return `text` as a string literal, for any `standard_conforming_strings`."""
    if "\0" in text:
        raise ValueError("a string cannot contain NUL")
    escaped = text.replace("'", "''")
    if "\\" not in text:
        return f"'{escaped}'"
    return "E'" + escaped.replace("\\", "\\\\") + "'"
