"""Which spares are wanted, missing or unwanted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.database import Database
from domain.ids import RANDOM_BYTES, new_id
from domain.lifecycle import Operation, State
from domain.names import Nickname, PgNames
from domain.spares import (
    SpareLevel,
    WantedSpares,
    derive_shape,
    find_next,
    find_template,
    find_unwanted,
    is_claimable,
    is_same_creation,
    list_levels,
    new_spare,
)
from domain.transitions import claim_spare, start_deletion
from tests.support.records import TARGET, new_record

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SHAPES = ["a", "b", "c"]

shapes = st.lists(st.sampled_from(SHAPES), max_size=12)
counts = st.lists(st.integers(0, 4), min_size=2, max_size=2)


def want(shape: str, count: int) -> WantedSpares:
    return WantedSpares(template=f"of {shape}", count=count, source="", shape=shape)


def fill(shape: str, number: int = 0, *, is_filled: bool = True) -> Database:
    now = NOW + timedelta(seconds=number)
    spare = new_spare(
        new_id(now, bytes(RANDOM_BYTES)),
        want(shape, 1),
        target=TARGET,
        secret="secret",
        nonce="nonce",
        now=now,
    )
    return spare.complete(Operation.PROVISION, now) if is_filled else spare


def create_template(name: str, age: int = 0, *, is_shared: bool = False) -> Database:
    record = new_record(state=State.TEMPLATE, created_at=NOW - timedelta(days=age))
    template = record.complete(Operation.PROVISION, NOW)
    return replace(template, nickname=Nickname(name), is_shared=is_shared)


def test_a_spare_is_claimable_once_it_is_filled() -> None:
    assert is_claimable(fill("a"))
    assert not is_claimable(fill("a", is_filled=False))
    assert not is_claimable(start_deletion(fill("a"), NOW))


def test_an_interrupted_filling_is_due() -> None:
    assert fill("a", is_filled=False).wake_at
    assert fill("a").wake_at is None


def test_each_fact_makes_another_shape() -> None:
    facts = [("x", "y", ""), ("x", "", "y"), ("", "x", "y"), ("x", "", ""), ("xy", "", "")]
    assert len({derive_shape(*each) for each in facts}) == len(facts)
    assert all(derive_shape(*each) for each in [("", "", ""), *facts])


def test_a_claim_leaves_nothing_of_the_spare_but_id_password_and_source() -> None:
    spare = replace(fill("a"), source="db_template", rotation=3, version=7)
    draft = new_record("Sales")

    claimed = claim_spare(spare, draft)

    kept = {"id": spare.id, "secret": "secret", "nonce": "nonce", "rotation": 3, "version": 7}
    assert claimed == replace(draft, source="db_template", **kept)  # type: ignore[arg-type]
    assert not claimed.is_spare


def test_a_claim_with_opaque_names_keeps_the_names_of_the_spare() -> None:
    spare, draft = fill("a"), new_record("Sales")
    opaque = replace(draft, names=PgNames.from_id(draft.id))
    assert claim_spare(spare, opaque).names == spare.names
    assert claim_spare(spare, opaque).has_opaque_names


def test_a_claim_is_told_from_that_of_another_request() -> None:
    spare, draft = fill("a"), new_record("Sales")
    claimed = claim_spare(spare, draft)

    assert is_same_creation(claimed, draft)
    assert not is_same_creation(spare, draft)
    for other in (
        {"caller": "other"},
        {"nickname": Nickname("Other")},
        {"created_at": draft.created_at + timedelta(microseconds=1)},
    ):
        assert not is_same_creation(replace(claimed, **other), draft)


@given(shapes, counts)
def test_what_is_not_unwanted_and_what_is_filled_make_the_wanted_numbers(
    present: list[str], numbers: list[int]
) -> None:
    """The refill ends, and what it filled is never unwanted."""
    wanted = [want(shape, number) for shape, number in zip(SHAPES, numbers, strict=False)]
    spares = [fill(shape, number) for number, shape in enumerate(present)]
    unwanted = find_unwanted(spares, wanted)
    kept = [spare for spare in spares if spare not in unwanted]
    while following := find_next(kept, wanted):
        kept.append(fill(following.shape, len(spares) + len(kept)))
        assert len(kept) <= sum(numbers)

    assert find_unwanted(kept, wanted) == []
    assert {each.shape: sum(spare.shape == each.shape for spare in kept) for each in wanted} == {
        each.shape: each.count for each in wanted
    }


def test_the_oldest_spares_are_unwanted_first() -> None:
    spares = [fill("a", number) for number in range(4)]
    assert find_unwanted(spares, [want("a", 2)]) == spares[:2]


@pytest.mark.parametrize(
    ("present", "following"), [("", "a"), ("a", "b"), ("ab", "b"), ("abb", "a"), ("aabbbb", None)]
)
def test_the_pool_with_the_smallest_share_is_filled_next(
    present: str, following: str | None
) -> None:
    wanted = [want("a", 2), want("b", 4)]
    found = find_next([fill(shape) for shape in present], wanted)
    assert (found and found.shape) == following


def test_of_templates_of_one_name_a_shared_one_has_spares_else_the_oldest() -> None:
    shared, older = create_template("shop", is_shared=True), create_template("shop", 2)
    newer, other = create_template("shop", 1), create_template("other", 3)
    unready = replace(new_record(state=State.TEMPLATE), nickname=Nickname("shop"))

    assert find_template([newer, older, shared, other, unready], "shop") is shared
    assert find_template([newer, older, other, unready], "shop") is older
    assert find_template([other, unready], "shop") is None


def test_levels_follow_the_settings() -> None:
    spares = [fill("a"), fill("a", is_filled=False), fill("c")]
    wanted = [want("a", 2)]
    assert list_levels(spares, {"of a": 2, "of b": 1}, wanted) == [
        SpareLevel(template="of a", wanted=2, ready=1, filling=1),
        SpareLevel(template="of b", wanted=1, ready=0, filling=0),
    ]
