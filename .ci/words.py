"""Check that documents, docstrings, comments and strings hold none of the words in words.toml.

Names in code are not checked: tests and reviews judge them. Prints each place with the words to
use. Exits with status 1 if there is one.
"""

import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
RULES = Path(__file__).with_name("words.toml")

DOCUMENTS = {".css", ".example", ".html", ".js", ".md", ".sh", ".sql", ".toml", ".yaml", ".yml"}
"""Files that are checked as a whole; those in NAMES too."""

NAMES = {"Dockerfile", "Makefile"}

_FIELD = re.compile(r"\{\{|\}\}|\{[^{}]*\}")
"""A field of an f-string, which holds code."""

Text = tuple[int, str]
"""A part of a file that is prose, and the number of its first line."""


@dataclass(frozen=True)
class Word:
    pattern: re.Pattern[str]
    use: str
    reason: str


@dataclass(frozen=True)
class Finding:
    place: str
    found: str
    word: Word


@dataclass(frozen=True)
class Rules:
    words: Sequence[Word]
    exceptions: Sequence[tuple[re.Pattern[str], str]]

    @classmethod
    def load(cls, file: Path = RULES) -> "Rules":
        read = tomllib.loads(file.read_text())
        words = [
            Word(_compile_word(row["pattern"]), row["use"], row["reason"]) for row in read["words"]
        ]
        exceptions = [
            (_compile_path(files), row["words"])
            for row in read["exceptions"]
            for files in row["files"]
        ]
        return cls(words, exceptions)

    def is_allowed(self, path: str, found: str) -> bool:
        return any(
            pattern.fullmatch(path) and words in {"*", found.lower()}
            for pattern, words in self.exceptions
        )

    def check(self, path: str, text: str) -> Iterator[Finding]:
        """Yield the findings in the prose of a file; `path` is relative to the repository."""
        if self.is_allowed(path, "*") or not self._candidates.search(text):
            return
        for line, part in extract_prose(path, text):
            for word in self.words:
                for match in word.pattern.finditer(part):
                    if not self.is_allowed(path, match[0]):
                        number = line + part.count("\n", 0, match.start())
                        yield Finding(f"{path}:{number}", match[0], word)

    @property
    def _candidates(self) -> re.Pattern[str]:
        return _join_patterns(tuple(word.pattern.pattern for word in self.words))


@cache
def _join_patterns(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


def _compile_word(pattern: str) -> re.Pattern[str]:
    spaced = pattern.replace(" ", r"\s+(?:#\s+)?")
    return re.compile(rf"(?<![A-Za-z])(?:{spaced})(?![A-Za-z])", re.IGNORECASE)


def _compile_path(files: str) -> re.Pattern[str]:
    """Read `**` as any folders, `*` as any part of a name."""
    escaped = re.escape(files).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*")
    return re.compile(escaped.replace(r"\*", "[^/]*"))


def extract_prose(path: str, text: str) -> Iterator[Text]:
    """Yield the parts of a file that people read; of Python, its comments and strings."""
    if not path.endswith(".py"):
        yield 1, text
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
        elif token.type == tokenize.STRING:
            is_formatted = "f" in token.string.partition(token.string[-1])[0].lower()
            yield token.start[0], _FIELD.sub("{}", token.string) if is_formatted else token.string


def list_tracked_files() -> Iterator[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - the developer's git
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for path in filter(None, listed.stdout.split("\0")):
        file = ROOT / path
        is_document = file.suffix in DOCUMENTS or file.name in NAMES
        if (is_document or file.suffix == ".py") and file.is_file():
            yield path


def main() -> int:
    rules = Rules.load()
    findings = [
        finding
        for path in list_tracked_files()
        for finding in rules.check(path, (ROOT / path).read_text("utf-8"))
    ]
    for finding in findings:
        print(f"{finding.place}: {finding.found!r}: use {finding.word.use}")
    if findings:
        counts = Counter(finding.found.lower() for finding in findings)
        summary = ", ".join(f"{word} {count}" for word, count in counts.most_common())
        print(f"{len(findings)} words to replace (.ci/words.toml has the reasons): {summary}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
