"""Lanes of deliveries: slow receivers leave room for the others."""

from domain.delivery_lanes import (
    MAX_REMEMBERED,
    MAX_SLOW,
    MAX_WEBHOOKS,
    SLOW_AFTER,
    DeliveryLanes,
)

SLOW = [f"slow-{number}" for number in range(MAX_SLOW + 1)]


def create_lanes_with_slow_receivers() -> DeliveryLanes:
    lanes = DeliveryLanes()
    for webhook in SLOW:
        lanes.enter(webhook)
        lanes.leave(webhook, seconds=0, has_failed=True)
    return lanes


def test_a_webhook_with_running_attempts_is_excluded() -> None:
    lanes = DeliveryLanes()
    lanes.enter("one")
    assert set(lanes.list_excluded()) == {"one"}
    lanes.leave("one", seconds=0, has_failed=False)
    assert not lanes.list_excluded()


def test_the_lanes_are_limited() -> None:
    lanes = DeliveryLanes()
    for number in range(MAX_WEBHOOKS):
        assert lanes.has_room
        lanes.enter(f"webhook-{number}")
    assert not lanes.has_room
    lanes.leave("webhook-0", seconds=0, has_failed=False)
    assert lanes.has_room


def test_failing_receivers_take_half_of_the_lanes_at_most() -> None:
    lanes = create_lanes_with_slow_receivers()
    assert not lanes.list_excluded()
    for webhook in SLOW[:MAX_SLOW]:
        lanes.enter(webhook)
    assert set(lanes.list_excluded()) == set(SLOW)
    assert lanes.has_room


def test_a_receiver_that_takes_long_counts_as_a_failing_one() -> None:
    lanes = create_lanes_with_slow_receivers()
    lanes.enter("long")
    lanes.leave("long", seconds=SLOW_AFTER + 1, has_failed=False)
    for webhook in SLOW[:MAX_SLOW]:
        lanes.enter(webhook)
    assert "long" in lanes.list_excluded()


def test_a_receiver_that_recovered_is_not_excluded() -> None:
    lanes = create_lanes_with_slow_receivers()
    recovered = SLOW[-1]
    lanes.enter(recovered)
    lanes.leave(recovered, seconds=0, has_failed=False)
    for webhook in SLOW[:MAX_SLOW]:
        lanes.enter(webhook)
    assert recovered not in lanes.list_excluded()


def test_the_memory_of_failing_receivers_is_limited() -> None:
    lanes = DeliveryLanes()
    for number in range(MAX_REMEMBERED + MAX_SLOW):
        lanes.leave(f"webhook-{number}", seconds=0, has_failed=True)
    for number in range(MAX_REMEMBERED, MAX_REMEMBERED + MAX_SLOW):
        lanes.enter(f"webhook-{number}")
    assert len(set(lanes.list_excluded())) == MAX_REMEMBERED
