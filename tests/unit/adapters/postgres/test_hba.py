"""Which lines of pg_hba.conf let a tenant in, or somebody else as a tenant."""

from ipaddress import ip_network
from typing import Any

import pytest

from adapters.postgres.examining.hba import Rule, is_near, judged_rules
from domain.checkup import Outcome, Verdict

PUBLIC = "db.example"


def test_scram_for_all_is_well() -> None:
    assert _judged(_rule("scram-sha-256")).verdict is Verdict.OK


def test_trust_for_all_has_failed() -> None:
    outcome = _judged(_rule("trust"))

    assert outcome.verdict is Verdict.FAIL
    assert "line 1" in outcome.detail


@pytest.mark.parametrize("method", ["password", "md5", "ident"])
def test_what_is_less_than_scram_is_warned_of(method: str) -> None:
    outcome = _judged(_rule(method))

    assert outcome.verdict is Verdict.WARN
    assert f"`{method}`" in outcome.detail


@pytest.mark.parametrize("near", [{"kind": "local", "address": None}, {"address": "127.0.0.0/8"}])
def test_trust_on_the_servers_own_machine_is_a_warning_where_tenants_are_elsewhere(
    near: Any,
) -> None:
    assert _judged(_rule("trust", **near)).verdict is Verdict.WARN


def test_trust_on_loopback_has_failed_where_tenants_are_there() -> None:
    rule = _rule("trust", address="127.0.0.1/32")

    assert judged_rules([rule], [], "127.0.0.1").verdict is Verdict.FAIL


def test_the_first_line_that_fits_counts() -> None:
    assert _judged(_rule("scram-sha-256"), _rule("trust")).verdict is Verdict.OK
    assert _judged(_rule("trust"), _rule("scram-sha-256")).verdict is Verdict.FAIL


def test_a_line_for_a_part_of_the_addresses_leaves_the_others_to_the_next() -> None:
    part, whole = _rule("scram-sha-256", address="10.1.0.0/16"), _rule("trust")

    assert _judged(part, whole).verdict is Verdict.FAIL
    assert _judged(part, _rule("trust", address="10.1.2.0/24")).verdict is Verdict.OK
    assert _judged(part, _rule("trust", address="2001:db8::/32")).verdict is Verdict.FAIL


def test_a_line_for_tls_alone_leaves_clear_text_to_the_next() -> None:
    assert _judged(_rule("scram-sha-256", kind="hostssl"), _rule("trust")).verdict is Verdict.FAIL
    assert _judged(_rule("scram-sha-256"), _rule("trust", kind="hostssl")).verdict is Verdict.OK


@pytest.mark.parametrize(
    "narrow", [{"users": ["postgres"]}, {"databases": ["postgres"]}, {"databases": ["replication"]}]
)
def test_a_line_that_is_not_for_tenants_is_none_of_ours(narrow: Any) -> None:
    assert _judged(_rule("trust", **narrow)).verdict is Verdict.OK


@pytest.mark.parametrize("wide", [{"users": ["/^user_"]}, {"users": ["user_shop"]}])
def test_a_line_for_tenants_by_name_or_pattern_counts(wide: Any) -> None:
    rules = [_rule("trust", **wide)]

    assert judged_rules(rules, [("user_shop", "shop")], PUBLIC).verdict is Verdict.FAIL


def test_a_pattern_that_is_none_here_counts_rather_than_not() -> None:
    assert _judged(_rule("trust", users=["/(?<bad"])).verdict is Verdict.FAIL


def test_a_line_that_the_server_cannot_read_is_told() -> None:
    outcome = _judged(_rule("trust"), _rule("", line=7, is_broken=True))

    assert outcome.verdict is Verdict.WARN
    assert "line 7" in outcome.detail


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "/run/postgresql"])
def test_loopback_is_known(host: str) -> None:
    assert is_near(host)
    assert not is_near("db.example")


def _judged(*rules: Rule) -> Outcome:
    return judged_rules(rules, [], PUBLIC)


def _rule(method: str, **other: Any) -> Rule:
    """For all from everywhere, unless something else is said."""
    address = other.pop("address", "all")
    network = ip_network(address) if address and address != "all" else None
    told = {"line": 1, "kind": "host", "databases": ["all"], "users": ["all"], "is_broken": False}
    return Rule(**{**told, "address": address, "network": network, "method": method, **other})
