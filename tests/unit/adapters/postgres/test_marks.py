"""Whose databases are on a server, by their marks and by our records."""

from adapters.postgres.examining.marks import Known, judged
from domain.checkup import Verdict

OURS, OTHERS = "pgvend:0a1b2c:db_1", "pgvend:ffffff:db_2"

KNOWN = Known(installation="0a1b2c")


def test_our_own_are_well() -> None:
    assert judged([OURS], KNOWN).verdict is Verdict.OK


def test_an_empty_server_is_well_before_there_is_a_secret() -> None:
    assert judged([], Known()).verdict is Verdict.OK


def test_those_of_another_installation_are_told_by_its_name() -> None:
    outcome = judged([OURS, OTHERS], KNOWN)

    assert outcome.verdict is Verdict.WARN
    assert "ffffff" in outcome.detail


def test_an_installation_whose_name_begins_with_ours_is_another() -> None:
    assert judged(["pgvend:0a1b2c3d:db_1"], KNOWN).verdict is Verdict.WARN


def test_those_that_our_records_know_are_ours_by_another_secret() -> None:
    outcome = judged([OTHERS], Known(installation="0a1b2c", recorded={"db_2"}))

    assert outcome.verdict is Verdict.FAIL
    assert "PGVEND_SECRET_PREVIOUS" in outcome.detail


def test_without_a_secret_nothing_is_ours() -> None:
    assert judged([OURS], Known()).verdict is Verdict.WARN
    assert judged([OURS], Known(recorded={"db_1"})).verdict is Verdict.FAIL
