"""The nicknames that `pgvend create` is given: as arguments, in a file, or by a prefix."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from entrypoints.cli.errors import ExitStatus, RequestError

STANDARD_INPUT = "-"
COMMENT = "#"


def collect_names(
    names: Sequence[str], file: str | None, count: int | None, prefix: str | None
) -> list[str]:
    """Return all names, in order. Raises RequestError if there are none, or one is repeated."""
    if (count is None) != (prefix is None):
        raise _usage_error("--count and --prefix belong together: --count 30 --prefix student.")
    collected = [*names]
    if file is not None:
        collected += read_names(file)
    if count is not None and prefix is not None:
        collected += number_names(prefix, count)
    if not collected:
        raise _usage_error(
            "Write the nickname of a database, --from FILE, or --count N --prefix P."
        )
    _check_unique(collected)
    return collected


def read_names(file: str) -> list[str]:
    """Return the names in a file, one on each line; blank lines and lines with # at the beginning
    are skipped. Raises RequestError if the file cannot be read, or holds no names."""
    try:
        content = sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        raise _usage_error(
            f"There is no file {file!r}. --from FILE reads names from a file; to copy a database, "
            f"write --fork-of {file}."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise _usage_error(f"The file {file!r} cannot be read: {reason}.") from error
    names = [line.strip() for line in text.splitlines()]
    if not (found := [name for name in names if name and not name.startswith(COMMENT)]):
        raise _usage_error(f"The file {file!r} holds no names: write one on each line.")
    return found


def number_names(prefix: str, count: int) -> list[str]:
    """Return the names `prefix_01`, `prefix_02` and so on. A greater count keeps the first ones."""
    joint = "_" if prefix[-1:].isalnum() else ""
    return [f"{prefix}{joint}{number:02}" for number in range(1, count + 1)]


def _check_unique(names: Sequence[str]) -> None:
    if repeated := [name for name, times in Counter(names).items() if times > 1]:
        raise _usage_error(f"The name {repeated[0]!r} appears more than once: make it unique.")


def _usage_error(message: str) -> RequestError:
    return RequestError(message, ExitStatus.USAGE)
