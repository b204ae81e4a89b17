"""Methods take turns, and are compared with the baseline of the same round."""

import pytest

from bench.turns import Load, Method, Turn, Undo, compare, take_turns

ONE = Load(1, rounds=4, calls=3)


class Recorder:
    """Methods that record what happens."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def method(self, name: str) -> Method:
        async def call() -> Undo:
            self.events.append(f"call {name}")
            return self._record(f"undo {name}")

        return Method(name, call, self._record(f"prepare {name}"))

    def _record(self, event: str) -> Undo:
        async def record() -> None:
            self.events.append(event)

        return record


async def test_a_turn_is_prepared_and_its_calls_are_undone_before_the_next_turn() -> None:
    recorder = Recorder()
    await take_turns([recorder.method("a")], Load(1, rounds=1, calls=2))
    turn = ["prepare a", "call a", "call a", "undo a", "undo a"]
    assert recorder.events == turn * 2  # the first one warms up


async def test_every_method_has_one_turn_in_each_round_and_is_not_always_the_first() -> None:
    recorder = Recorder()
    methods = [recorder.method(name) for name in "ab"]
    turns = await take_turns(methods, ONE)

    order = "".join(event[-1] for event in recorder.events if event.startswith("prepare"))
    assert order == "abbaabbaab"
    assert {name: len(taken) for name, taken in turns.items()} == {"a": 4, "b": 4}


async def test_the_first_round_is_not_counted() -> None:
    turns = await take_turns([Recorder().method("a")], ONE)
    assert [len(turn.times) for turn in turns["a"]] == [3] * 4


@pytest.mark.parametrize(("callers", "calls"), [(1, 3), (2, 4), (8, 16)])
async def test_every_caller_has_two_calls_at_least(callers: int, calls: int) -> None:
    recorder = Recorder()
    await take_turns([recorder.method("a")], Load(callers, rounds=1, calls=3))
    assert recorder.events.count("call a") == calls * 2


async def test_a_run_ends_after_its_time_with_one_round_at_least() -> None:
    turns = await take_turns([Recorder().method("a")], Load(1, rounds=9, calls=1, seconds=0))
    assert len(turns["a"]) == 1


async def test_a_failure_ends_the_run() -> None:
    async def fail() -> Undo:
        raise ValueError

    with pytest.RaisesGroup(ValueError):
        await take_turns([Method("a", fail)], ONE)


def test_the_ratio_is_the_median_of_the_ratios_of_the_rounds() -> None:
    baseline = [Turn([1.0], 1.0), Turn([10.0], 10.0), Turn([1.0], 1.0)]
    method = [Turn([2.0], 2.0), Turn([20.0], 20.0), Turn([9.0], 9.0)]
    first, second = compare({"sql": baseline, "http": method}, "1 at once", "sql")

    assert (first.ratio, second.ratio) == (1, 2)
    assert second.ratio_spread == (2, 5.5)
    assert (second.count, second.median, second.maximum) == (3, 9000, 20000)
    assert second.per_second == pytest.approx(3 / 31)
