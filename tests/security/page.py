"""The table of attacks as a part of the documentation."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from tests.security.attack import Attack
from tests.security.outcome import KINDS, Kind, Outcome
from tests.security.trials import THEMES, Cell, Results
from tests.support.service import REPOSITORY

PAGE = REPOSITORY / "docs" / "security.md"

UPDATE = "UPDATE_DOCS"
"""The environment variable that has the table written instead of compared."""

BEGIN, END = "<!-- attacks: begin -->\n\n", "\n<!-- attacks: end -->\n"

_MODES = {mode: tuple(kinds) for mode, kinds in groupby(KINDS, key=lambda kind: kind.mode)}


def table(results: Results) -> str:
    return "\n".join(_rows(results))


def _rows(results: Results) -> Iterator[str]:
    for theme, attacks in THEMES.items():
        yield from (f"### {theme}", "", _row("B tries to", *_MODES))
        yield _row("---", *("---" for _ in _MODES))
        for attack in attacks:
            yield _row(attack.title, *(_said(results, attack, mode) for mode in _MODES.values()))
        yield ""


def _said(results: Results, attack: Attack, kinds: Sequence[Kind]) -> str:
    """Once, if all versions agree."""
    said = {kind: _outcome(results[Cell(kind, attack)]) for kind in kinds}
    if len(set(said.values())) == 1:
        return said[kinds[0]]
    return ", ".join(f"{outcome} ({kind.major})" for kind, outcome in said.items())


def _outcome(result: Outcome | Exception) -> str:
    if isinstance(result, Exception):
        return "broken"
    return f"**{result}**" if result is Outcome.POSSIBLE else str(result)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def kept_table() -> str:
    _, kept, _ = _parts()
    return kept


def keep_table(text: str) -> None:
    before, _, after = _parts()
    PAGE.write_text(before + BEGIN + text + END + after)


def _parts() -> tuple[str, str, str]:
    """What is before the table, the table, and what is after it."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    kept, _, after = rest.partition(END)
    return before, kept, after
