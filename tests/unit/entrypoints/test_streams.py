"""One caller among others cannot take every place for streams."""

from contextlib import ExitStack

import pytest

from domain.caller import ANYONE
from domain.errors import Unavailable
from entrypoints.http.streams import MOST, MOST_OF_ONE, Streams
from tests.support.people import person

ANN, BOB = person("ann", key="pgv_a"), person("bob", key="pgv_b")


def test_one_caller_leaves_places_to_others() -> None:
    streams = Streams()
    with ExitStack() as listening:
        for _ in range(MOST_OF_ONE):
            listening.enter_context(streams.one_of(ANN))

        with pytest.raises(Unavailable), streams.one_of(ANN):
            pass
        with streams.one_of(BOB):
            pass


def test_many_callers_have_no_more_than_all_places() -> None:
    streams = Streams()
    with ExitStack() as listening:
        for number in range(MOST):
            listening.enter_context(streams.one_of(person(str(number), key="pgv_x")))

        with pytest.raises(Unavailable), streams.one_of(BOB):
            pass


def test_where_everybody_is_anyone_all_places_are_for_anyone() -> None:
    streams = Streams()
    with ExitStack() as listening:
        for _ in range(MOST):
            listening.enter_context(streams.one_of(ANYONE))

        with pytest.raises(Unavailable), streams.one_of(ANYONE):
            pass


def test_a_place_is_given_back_whatever_ended_the_stream() -> None:
    streams = Streams()
    for _ in range(MOST + 1):
        with pytest.raises(ConnectionError), streams.one_of(ANN):
            raise ConnectionError
