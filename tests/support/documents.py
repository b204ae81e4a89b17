"""Code blocks of the documentation: the commands that a page names, and what they print.

In the source of a page, invisible to its readers, a comment before a block says how the test runs
it: `<!-- not executed: REASON -->`, or `<!-- setup: COMMANDS -->` for commands that run first.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from tests.support.service import REPOSITORY

PAGES = (
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    *sorted((REPOSITORY / "docs").rglob("*.md")),
)

EXECUTABLE = {"console", "sh", "sql"}
WORKFLOWS = {"yaml"}
"""Blocks that a test of their own runs."""

OTHER = {"dotenv", "ini", "json", "mermaid", "nginx", "text", "toml"}

_PART = re.compile(
    r"""^[ ]*<!--\s*(?P<kind>not[ ]executed|setup):\s*(?P<note>.*?)\s*-->$
    |^(?P<indent>[ ]*)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$""",
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
_PROMPT = re.compile(r"^\$ ")
_SQL_PROMPT = re.compile(r"^\w+=> ")


@dataclass(frozen=True)
class Block:
    """A fenced block; with a `reason` it is not executed."""

    page: Path
    line: int
    language: str
    text: str
    reason: str = ""


@dataclass(frozen=True)
class Command:
    """A command of a shell; `output` is what the page shows of its output, `None` if nothing."""

    line: int
    text: str
    output: str | None = None


def list_blocks(page: Path) -> list[Block]:
    return [part for part in _parts(page) if isinstance(part, Block)]


def list_commands(page: Path) -> list[Command]:
    """Return the commands of the page in their order, those of `setup` comments included."""
    return [command for part in _parts(page) for command in _commands(part)]


def _parts(page: Path) -> Iterator[Block | Command]:
    text, reason = page.read_text(), ""
    for match in _PART.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if match["kind"] == "setup":
            yield Command(line, match["note"])
        elif match["kind"]:
            reason = match["note"]
        else:
            yield Block(page, line, match["language"], dedent(match["text"]), reason)
            reason = ""


def _commands(part: Block | Command) -> Sequence[Command]:
    if isinstance(part, Command):
        return [part]
    if part.reason or part.language not in EXECUTABLE:
        return []
    if part.language == "console":
        return list(_typed(part))
    text = part.text
    return [Command(part.line, _as_script(text) if part.language == "sh" else _as_query(text))]


def _as_query(text: str) -> str:
    return f"psql --quiet --set=ON_ERROR_STOP=1 \"$DATABASE_URL\" <<'SQL'\n{text}SQL"


def _as_script(text: str) -> str:
    """Return a script of its own as a command, and other lines as they are."""
    return f"sh <<'SCRIPT'\n{text}SCRIPT" if text.startswith("#!") else text


def _typed(block: Block) -> Iterator[Command]:
    """Return what is typed after each `$ `, with its continued lines and answers to psql."""
    lines = block.text.splitlines()
    starts = [number for number, line in enumerate(lines) if _PROMPT.match(line)]
    assert starts[:1] == [0], f"{block.page}:{block.line}: starts without `$ `"
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        length = next(n for n in range(start, end) if not lines[n].endswith("\\")) - start + 1
        text = "\n".join(lines[start : start + length])[2:]
        rest = lines[start + length : end]
        queries = [_SQL_PROMPT.sub("", line) for line in rest if _SQL_PROMPT.match(line)]
        shown = "\n".join(line for line in rest if not _SQL_PROMPT.match(line))
        yield Command(block.line + start + 1, _answered(text, queries), shown.strip() or None)


def _answered(command: str, queries: Sequence[str]) -> str:
    if not queries:
        return command
    return f"{command} <<'SQL'\n" + "\n".join(queries) + "\nSQL"
