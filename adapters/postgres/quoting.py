"""The only way a name or a text comes into a statement: DDL takes no parameters."""


def identifier(name: str) -> str:
    """`name` as a quoted identifier. Raises ValueError for what PostgreSQL knows in none: NUL, and
    half a surrogate pair, which the driver would lose the session over."""
    if "\0" in name:
        raise ValueError("an identifier holds no NUL")
    name.encode()
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` as a string literal, whatever `standard_conforming_strings` says."""
    if "\0" in text:
        raise ValueError("a string holds no NUL")
    escaped = text.replace("'", "''")
    if "\\" not in text:
        return f"'{escaped}'"
    return "E'" + escaped.replace("\\", "\\\\") + "'"
