"""Writing settings to a file such as `.env`: all of them or none."""

import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from domain.errors import StartupError

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?(\w+)\s*=")


def write_settings(file: Path, settings: Mapping[str, str]) -> None:
    """Set the variables in the file, in place of its former lines for them; other lines stay.

    A reader finds the former file or the whole new one. A new file is for its owner only, because
    a setting can be a key. Raises StartupError.
    """
    try:
        target = file.resolve()  # of a symbolic link, the file behind it is replaced
        is_new = not target.exists()
        former = "" if is_new else target.read_text("utf-8")
        _replace(target, _merge(former, settings), mode=0o600 if is_new else target.stat().st_mode)
    except (OSError, RuntimeError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text file"
        raise StartupError(f"{file} cannot be written ({reason}): choose another file.") from error


def _merge(former: str, settings: Mapping[str, str]) -> str:
    lines = [line for line in former.splitlines() if _find_name(line) not in settings]
    return "".join(f"{line}\n" for line in (*lines, *_format(settings)))


def _find_name(line: str) -> str | None:
    found = _ASSIGNMENT.match(line)
    return found[1] if found else None


def _format(settings: Mapping[str, str]) -> Iterable[str]:
    return (f"{name}={value}" for name, value in settings.items())


def _replace(target: Path, text: str, *, mode: int) -> None:
    """Write another file in the same folder, to disk, and rename it over the target."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with open(descriptor, "w", encoding="utf-8") as file_object:
            file_object.write(text)
            os.fchmod(descriptor, mode & 0o777)
            file_object.flush()
            os.fsync(descriptor)
        os.replace(temporary, target)
    finally:
        with suppress(FileNotFoundError):  # it was renamed
            os.unlink(temporary)
