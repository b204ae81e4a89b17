"""The doctor check of spares."""

from typing import Any

import pytest

from adapters.registry.snapshot import LiveRecord, RegistrySnapshot
from domain.doctor import Verdict
from domain.lifecycle import State
from entrypoints.config.settings import Settings
from entrypoints.doctor.spares import SpareChecks, check_spares
from tests.support.doctor import OK, WARN, collect_outcomes

TEMPLATE = LiveRecord("db_t", "embedded", "", nickname="shop", state=State.TEMPLATE)


def spare(source: str = "", *, target: str = "embedded", **given: Any) -> LiveRecord:
    return LiveRecord("db_s", target, "", state=State.SPARE, source=source, **given)


def snapshot_of(*live: LiveRecord) -> RegistrySnapshot:
    return RegistrySnapshot(revision="0006", live=live)


CASES: dict[str, tuple[str, RegistrySnapshot, Verdict, str]] = {
    "none wanted": ("default=0", snapshot_of(), OK, "asks for none"),
    "never started": ("default=4", RegistrySnapshot(), OK, "default 0 of 4"),
    "full": ("default=1", snapshot_of(spare()), OK, "default 1 of 1"),
    "partly full": ("default=2", snapshot_of(spare()), OK, "default 1 of 2"),
    "empty": ("default=2", snapshot_of(), WARN, "default 0 of 2"),
    "filling": ("default=1", snapshot_of(spare(is_idle=False)), WARN, "default 0 of 1"),
    "elsewhere": ("default=1", snapshot_of(spare(target="postgres")), WARN, "default 0 of 1"),
    "of a template": (
        "default=1,shop=1",
        snapshot_of(TEMPLATE, spare(), spare("db_t")),
        OK,
        "default 1 of 1, shop 1 of 1",
    ),
    "of another template": (
        "shop=1",
        snapshot_of(TEMPLATE, spare(), spare("db_u")),
        WARN,
        "shop 0 of 1",
    ),
    "of a database": (
        "shop=1",
        snapshot_of(LiveRecord("db_t", "embedded", "", nickname="shop"), spare("db_t")),
        WARN,
        "shop 0 of 1",
    ),
}


@pytest.mark.parametrize(("spares", "found", "verdict", "part"), CASES.values(), ids=list(CASES))
def test_a_template_without_a_ready_spare_is_a_warning(
    spares: str, found: RegistrySnapshot, verdict: Verdict, part: str
) -> None:
    outcome = check_spares(Settings(spare_counts=spares), found)
    assert outcome.verdict is verdict
    assert part in outcome.detail


async def test_the_check_reads_the_records() -> None:
    async def take_snapshot() -> RegistrySnapshot:
        return snapshot_of(spare())

    outcomes = await collect_outcomes(SpareChecks(Settings(), take_snapshot))
    assert list(outcomes) == ["spares"]
    assert "default 1 of 4" in outcomes["spares"].detail
