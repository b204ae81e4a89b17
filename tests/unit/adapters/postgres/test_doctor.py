"""Doctor checks of the version, of pg_hba.conf and of the marks on a server."""

from ipaddress import ip_network
from typing import Any

import pytest

from adapters.postgres.doctor.admin import assess_version
from adapters.postgres.doctor.context import LocalState
from adapters.postgres.doctor.guard import assess_age
from adapters.postgres.doctor.hba import Rule, assess_rules, is_local
from adapters.postgres.doctor.ownership import assess_marks
from domain.doctor import Verdict

OK, WARN, FAIL = Verdict.OK, Verdict.WARN, Verdict.FAIL

PUBLIC, NEAR = "db.example", "127.0.0.1"
OWN_MARK, OTHER_MARK = "pgvend:0a1b2c:db_1", "pgvend:ffffff:db_2"
LOCAL_STATE = LocalState(installation="0a1b2c")


def rule(method: str, **other: Any) -> Rule:
    """Return a rule for all users from all addresses, unless arguments say otherwise."""
    address = other.pop("address", "all")
    network = ip_network(address) if address and address != "all" else None
    fields = {"line": 1, "kind": "host", "databases": ["all"], "users": ["all"], "is_broken": False}
    return Rule(**{**fields, "address": address, "network": network, "method": method, **other})


SCRAM, TRUST = rule("scram-sha-256"), rule("trust")
PART = rule("scram-sha-256", address="10.1.0.0/16")

RULES: dict[str, tuple[list[Rule], Verdict, str]] = {
    "scram for all": ([SCRAM], OK, ""),
    "trust for all": ([TRUST], FAIL, "line 1"),
    "password": ([rule("password")], WARN, "`password`"),
    "md5": ([rule("md5")], WARN, "`md5`"),
    "ident": ([rule("ident")], WARN, "`ident`"),
    "trust by the socket": ([rule("trust", kind="local", address=None)], WARN, ""),
    "trust on loopback": ([rule("trust", address="127.0.0.0/8")], WARN, ""),
    "several lines": (
        [rule("md5", address="10.0.0.0/8"), rule("ident", line=2)],
        WARN,
        "lines 1, 2: ",
    ),
    "scram first": ([SCRAM, TRUST], OK, ""),
    "trust first": ([TRUST, SCRAM], FAIL, ""),
    "the other addresses": ([PART, TRUST], FAIL, ""),
    "addresses within": ([PART, rule("trust", address="10.1.2.0/24")], OK, ""),
    "addresses of another kind": ([PART, rule("trust", address="2001:db8::/32")], FAIL, ""),
    "connections without TLS reach trust": (
        [rule("scram-sha-256", kind="hostssl"), TRUST],
        FAIL,
        "",
    ),
    "an earlier line covers TLS": ([SCRAM, rule("trust", kind="hostssl")], OK, ""),
    "another user": ([rule("trust", users=["postgres"])], OK, ""),
    "another database": ([rule("trust", databases=["postgres"])], OK, ""),
    "replication": ([rule("trust", databases=["replication"])], OK, ""),
    "a tenant by a pattern": ([rule("trust", users=["/^user_"])], FAIL, ""),
    "a tenant by its name": ([rule("trust", users=["user_shop"])], FAIL, ""),
    "a pattern that Python cannot compile": ([rule("trust", users=["/(?<bad"])], FAIL, ""),
    "a line that cannot be read": ([TRUST, rule("", line=7, is_broken=True)], WARN, "line 7"),
}

MARKS: dict[str, tuple[list[str], LocalState, Verdict, str]] = {
    "its own marks": ([OWN_MARK, f"{OWN_MARK}0 spare"], LOCAL_STATE, OK, "2 databases"),
    "an empty server before there is a secret": ([], LocalState(), OK, ""),
    "another installation's": ([OWN_MARK, OTHER_MARK], LOCAL_STATE, WARN, "ffffff"),
    "an installation whose name begins with its own": (
        ["pgvend:0a1b2c3d:db_1"],
        LOCAL_STATE,
        WARN,
        "",
    ),
    "its records under another secret": (
        [OTHER_MARK],
        LocalState(installation="0a1b2c", record_ids={"db_2"}),
        FAIL,
        "PGVEND_SECRET_PREVIOUS",
    ),
    "a recorded spare under another secret": (
        [f"{OTHER_MARK} spare"],
        LocalState(installation="0a1b2c", record_ids={"db_2"}),
        FAIL,
        "PGVEND_SECRET_PREVIOUS",
    ),
    "without a secret": ([OWN_MARK], LocalState(), WARN, ""),
    "recorded, without a secret": ([OWN_MARK], LocalState(record_ids={"db_1"}), FAIL, ""),
}


@pytest.mark.parametrize(("rules", "verdict", "detail"), RULES.values(), ids=list(RULES))
def test_the_first_matching_line_is_used(rules: list[Rule], verdict: Verdict, detail: str) -> None:
    outcome = assess_rules(rules, [("user_shop", "shop")], PUBLIC)
    assert outcome.verdict is verdict
    assert detail in outcome.detail


@pytest.mark.parametrize("users", ["all", "/(?<bad"])
def test_lines_are_assessed_without_tenants_too(users: str) -> None:
    assert assess_rules([rule("trust", users=[users])], [], PUBLIC).verdict is FAIL
    assert assess_rules([rule("scram-sha-256", users=[users])], [], PUBLIC).verdict is OK


def test_trust_on_loopback_fails_if_tenants_connect_from_there() -> None:
    assert assess_rules([rule("trust", address="127.0.0.1/32")], [], NEAR).verdict is FAIL


@pytest.mark.parametrize("host", ["localhost", NEAR, "::1", "/run/postgresql"])
def test_loopback_is_recognized(host: str) -> None:
    assert is_local(host)
    assert not is_local(PUBLIC)


@pytest.mark.parametrize(
    ("marks", "local_state", "verdict", "detail"), MARKS.values(), ids=list(MARKS)
)
def test_databases_are_assessed_by_marks_and_records(
    marks: list[str], local_state: LocalState, verdict: Verdict, detail: str
) -> None:
    outcome = assess_marks(marks, local_state)
    assert outcome.verdict is verdict
    assert detail in outcome.detail


@pytest.mark.parametrize(
    ("text", "verdict", "detail"),
    [
        ("14.23", FAIL, "too old: pgvend needs 15 or newer"),
        ("15.0", WARN, "security fixes"),
        ("18.99 (Debian 18.99-1)", OK, "PostgreSQL 18.99"),
        ("19.0", WARN, "newer than the versions that pgvend supports (15 to 18)"),
        ("no version", FAIL, "no version"),
    ],
)
def test_versions_are_assessed(text: str, verdict: Verdict, detail: str) -> None:
    outcome = assess_version(text, can_install_fixes=True)
    assert outcome.verdict is verdict
    assert detail in outcome.detail


@pytest.mark.parametrize(
    ("age", "verdict"),
    [(499_999_999, OK), (500_000_000, WARN), (999_999_999, WARN), (1_000_000_000, FAIL)],
)
def test_transaction_ids_are_assessed_by_the_age_of_the_oldest(age: int, verdict: Verdict) -> None:
    found = assess_age("shop", age)
    assert found.verdict is verdict
    assert f"shop, is {age / 1_000_000:.0f} million" in found.detail
