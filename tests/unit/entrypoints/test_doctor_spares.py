"""The doctor check of spares, and the levels in a snapshot of the registry."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from adapters.registry.snapshot import LiveRecord, RegistrySnapshot
from domain.doctor import Verdict
from domain.lifecycle import State
from domain.spares import SpareLevel
from entrypoints.config.settings import Settings
from entrypoints.doctor.spares import SpareChecks
from tests.support.doctor import OK, WARN, collect_outcomes

TARGET = "embedded"
TEMPLATE = LiveRecord("db_t", TARGET, "", nickname="shop", state=State.TEMPLATE)
DATABASE = LiveRecord("db_u", TARGET, "", nickname="shop")


def spare(source: str = "", *, target: str = TARGET, **given: Any) -> LiveRecord:
    return LiveRecord("db_s", target, "", state=State.SPARE, source=source, **given)


def level(template: str, ready: int, wanted: int, filling: int = 0) -> SpareLevel:
    return SpareLevel(template=template, wanted=wanted, ready=ready, filling=filling)


LEVELS: dict[str, tuple[Sequence[LiveRecord], Mapping[str, int], Sequence[SpareLevel]]] = {
    "empty": ([DATABASE], {"default": 2}, [level("default", 0, 2)]),
    "filling": (
        [spare(), spare(is_idle=False)],
        {"default": 2},
        [level("default", 1, 2, filling=1)],
    ),
    "elsewhere": ([spare(target="postgres")], {"default": 1}, [level("default", 0, 1)]),
    "of a template": (
        [TEMPLATE, spare(), spare("db_t"), spare("db_u")],
        {"default": 2, "shop": 3},
        [level("default", 1, 2), level("shop", 1, 3)],
    ),
    "of a database": ([DATABASE, spare("db_u")], {"shop": 1}, [level("shop", 0, 1)]),
}

VERDICTS: dict[str, tuple[str, Sequence[SpareLevel], Verdict, str]] = {
    "none wanted": ("default=0", [], OK, "asks for none"),
    "never started": ("default=4", [], OK, "the first start fills them"),
    "partly full": ("default=2", [level("default", 1, 2)], OK, "default 1 of 2"),
    "empty": ("default=2", [level("default", 0, 2)], WARN, "default 0 of 2"),
    "one empty": (
        "default=1,shop=1,old=0",
        [level("default", 1, 1), level("shop", 0, 1), level("old", 0, 0)],
        WARN,
        "default 1 of 1, shop 0 of 1. ",
    ),
}


@pytest.mark.parametrize(("live", "counts", "levels"), LEVELS.values(), ids=list(LEVELS))
def test_ready_spares_are_counted_by_template(
    live: Sequence[LiveRecord], counts: Mapping[str, int], levels: Sequence[SpareLevel]
) -> None:
    snapshot = RegistrySnapshot(revision="0006", live=tuple(live))
    assert snapshot.list_spares(TARGET, counts) == levels


def test_before_the_first_start_there_are_no_levels() -> None:
    assert not RegistrySnapshot().list_spares(TARGET, {"default": 4})


@pytest.mark.parametrize(
    ("spares", "levels", "verdict", "part"), VERDICTS.values(), ids=list(VERDICTS)
)
async def test_a_template_without_a_ready_spare_is_a_warning(
    spares: str, levels: Sequence[SpareLevel], verdict: Verdict, part: str
) -> None:
    async def list_spares() -> Sequence[SpareLevel]:
        return levels

    checks = SpareChecks(Settings(spare_counts=spares), list_spares)
    outcome = (await collect_outcomes(checks))["spares"]
    assert outcome.verdict is verdict
    assert part in outcome.detail
