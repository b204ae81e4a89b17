"""Secrets from files: PGVEND_SECRET_FILE names the file that holds PGVEND_SECRET.

Containers and service managers hand out secrets as files; a variable of the environment is visible
to more programs. These variables are accepted from the environment only: the author of a folder's
`.env` could name any file of the user's, and the address that its contents are sent to.
"""

from collections.abc import Collection
from pathlib import Path

from entrypoints.config.environment import ENV_FILE, Variables
from entrypoints.config.provenance import SECRETS

SUFFIX = "_FILE"

FILE_VARIABLES = {f"{name}{SUFFIX}": name for name in sorted(SECRETS)}
"""The secret that the file of each variable holds."""

MAX_BYTES = 65_536


def read_secret_files(variables: Variables, names: Collection[str]) -> tuple[Variables, list[str]]:
    """Return the variables with these names, secrets in files included, and a line for each
    variable of a file that cannot be used. No other secret's file is read."""
    known, mistakes = variables.select(names), []
    values = dict(known.values)
    for variable, secret in FILE_VARIABLES.items():
        if variable not in variables.values or secret not in names:
            continue
        try:
            values[secret] = _read_secret(variables, variable, secret)
        except ValueError as error:
            mistakes.append(f"{variable}: {error}")
    return Variables(values, known.from_file), mistakes


def describe_source(name: str, variables: Variables) -> str:
    """Return the name of a setting, with the variable that names its file, if there is one."""
    variable = f"{name}{SUFFIX}"
    is_from_file = FILE_VARIABLES.get(variable) == name and variable in variables.values
    return f"{name}, from {variable}" if is_from_file else name


def _read_secret(variables: Variables, variable: str, secret: str) -> str:
    """Raises ValueError; its message does not hold the secret."""
    if secret in variables.values:
        raise ValueError(f"{secret} is set too. Remove one of them.")
    if variable in variables.from_file:
        raise ValueError(
            f"from {ENV_FILE}, which must not choose a file to read. Set {variable} in the "
            f"environment, or {secret} in {ENV_FILE}."
        )
    return read_secret_file(Path(variables.values[variable]), secret)


def read_secret_file(file: Path, secret: str) -> str:
    """Return the contents of the file of a secret. Raises ValueError; its message does not hold
    them."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
        text = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"{file} is not text. Write {secret} to it as UTF-8.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not valid"
        raise ValueError(
            f"{file} cannot be read ({reason}). Set it to the file that holds {secret}."
        ) from None
    if not text or len(content) > MAX_BYTES:
        problem = "longer than 64 KiB" if text else "empty"
        raise ValueError(f"{file} is {problem}. Set it to the file that holds {secret} alone.")
    return text
