"""The check that keeps words out of documents, comments and strings."""

import runpy
from pathlib import Path
from typing import Any

import pytest

WORDS = runpy.run_path(str(Path(__file__).parents[2] / ".ci" / "words.py"))
RULES = WORDS["Rules"].load()


def find_words(path: str, text: str) -> list[tuple[str, str]]:
    return [(each.place, each.found) for each in RULES.check(path, text)]


FOUND: dict[str, tuple[str, str, list[str]]] = {
    "a document": ("docs/a.md", "It is\nAMID it.", ["AMID"]),
    "a comment": ("domain/a.py", "x = 1  # it was told", ["told"]),
    "a docstring": ("domain/a.py", '"""Whoever asks."""\n', ["Whoever"]),
    "a string": ("domain/a.py", 'x = "It is the key of\\n" + "a key of ours"\n', ["of ours"]),
    "a phrase over two lines": ("docs/a.md", "It is asked in\nvain.", ["in\nvain"]),
    "a part of a name": ("domain/a.py", 'x = "sweep_once"\n', ["sweep"]),
    "a name in code": ("domain/a.py", "def told(amid): return amid\n", []),
    "a name in a field": ("domain/a.py", 'x = f"{told} and {amid:>3}"\n', []),
    "a longer word": ("docs/a.md", "pgvend, vending, indoors, sweepstakes", []),
    "an exception": ("adapters/registry/migrations/0001_a.py", '"""It is told."""\n', []),
}


@pytest.mark.parametrize(("path", "text", "words"), FOUND.values(), ids=list(FOUND))
def test_prose_is_checked_and_code_is_not(path: str, text: str, words: list[str]) -> None:
    assert [word for _, word in find_words(path, text)] == words


def test_a_finding_has_its_line() -> None:
    text = '"""One.\n\nTwo is amid it."""\n# told\n'
    assert sorted(find_words("a.py", text)) == [("a.py:3", "amid"), ("a.py:4", "told")]


def test_no_replacement_is_a_word_to_replace() -> None:
    replacements: list[Any] = [find_words("a.md", word.use) for word in RULES.words]
    assert not any(replacements)
