"""What an examination comes to."""

import pytest

from domain.checkup import Check, Outcome, Verdict, counted, has_failed


@pytest.mark.parametrize("verdict", [it for it in Verdict if it is not Verdict.FAIL])
def test_nothing_but_a_failure_is_one(verdict: Verdict) -> None:
    fine = [Check("clock", Outcome(verdict, "It is as it is."))]

    assert not has_failed(fine)
    assert has_failed([*fine, Check("disk", Outcome(Verdict.FAIL, "It is full."))])


@pytest.mark.parametrize(("number", "told"), [(0, "0 keys"), (1, "1 key"), (2, "2 keys")])
def test_one_thing_is_not_many(number: int, told: str) -> None:
    assert counted(number, "key") == told
