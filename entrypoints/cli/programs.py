"""PostgreSQL's client programs, for commands."""

from entrypoints.cli.errors import RequestError
from entrypoints.config.programs import find_newest_program


def find_program(name: str) -> str:
    """Return the path of the program: of this machine, or the bundled one if that is newer. Raises
    RequestError."""
    program = find_newest_program(name)
    if program is None:
        raise RequestError(f"{name} is not installed: install PostgreSQL's client programs.")
    return str(program)
