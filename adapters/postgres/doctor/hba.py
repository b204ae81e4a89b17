"""Lines of pg_hba.conf that accept a login method weaker than SCRAM for tenants' roles."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import asyncpg

from adapters.postgres.quoting import quote_identifier
from domain.doctor import Outcome, Verdict
from domain.hosts import is_loopback

RULES = "SELECT * FROM pg_hba_file_rules ORDER BY line_number"

SAMPLE_TENANT = ("user_example", "example")
"""The owner and the database of a future tenant."""

WEAK_METHODS = {
    "trust": "asks for no password",
    "password": "accepts passwords in clear text",
    "md5": "accepts MD5 if a role has no SCRAM verifier",
    "ident": "trusts the client's machine",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line, as `pg_hba_file_rules` shows it. `network` is None if the address is `all` or
    cannot be compared (a name, samehost, samenet)."""

    line: int
    kind: str
    databases: Sequence[str]
    users: Sequence[str]
    address: str | None
    network: IPv4Network | IPv6Network | None
    method: str
    is_broken: bool

    @classmethod
    def from_row(cls, row: asyncpg.Record) -> "Rule":
        return cls(
            line=row["line_number"],
            kind=row["type"] or "",
            databases=row["database"] or (),
            users=row["user_name"] or (),
            address=row["address"],
            network=_parse_network(row["address"], row["netmask"]),
            method=row["auth_method"] or "",
            is_broken=row["error"] is not None,
        )

    def applies_to(self, tenant: tuple[str, str]) -> bool:
        owner, database = tenant
        return _has_match(self.users, owner) and _has_match(self.databases, database)

    def hides(self, later: "Rule") -> bool:
        """Return whether the later rule never applies: PostgreSQL uses the first one that
        matches."""
        covers_kind = self.kind == later.kind or (self.kind, later.kind[:4]) == ("host", "host")
        if not covers_kind:
            return False
        if self.kind == "local" or self.address == "all":
            return True
        if self.network is None or later.network is None:
            return self.address == later.address
        is_same_version = self.network.version == later.network.version
        return is_same_version and later.network.subnet_of(self.network)  # type: ignore[arg-type]

    @property
    def is_local(self) -> bool:
        """Whether the rule applies only to clients on the server's machine."""
        return self.kind == "local" or bool(self.network and self.network.is_loopback)


def assess_rules(
    rules: Sequence[Rule], tenants: Iterable[tuple[str, str]], public_host: str
) -> Outcome:
    """Assess the rules for the tenants, each an owner and a database, and for a future one."""
    broken = [rule.line for rule in rules if rule.is_broken]
    if broken:
        return Outcome(
            Verdict.WARN, f"pg_hba.conf has errors in {_format_lines(broken)}: correct them."
        )
    weak = list(_find_weak_rules([*tenants, SAMPLE_TENANT], rules))
    if not weak:
        return Outcome(Verdict.OK, "pg_hba.conf requires SCRAM of tenants.")
    methods = {rule.method for rule in weak}
    why = "; ".join(
        f"`{method}` {WEAK_METHODS[method]}" for method in WEAK_METHODS if method in methods
    )
    is_open = any(_needs_no_password(rule, public_host) for rule in weak)
    return Outcome(
        Verdict.FAIL if is_open else Verdict.WARN,
        f"pg_hba.conf, {_format_lines(sorted({rule.line for rule in weak}))}: {why}. Set "
        "scram-sha-256, and reload the configuration: SELECT pg_reload_conf();",
    )


def build_read_grants(admin: str) -> Sequence[str]:
    """Return the statements that let the admin read pg_hba.conf."""
    return (
        f"GRANT SELECT ON pg_catalog.pg_hba_file_rules TO {quote_identifier(admin)};",
        f"GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO {quote_identifier(admin)};",
    )


def is_local(host: str) -> bool:
    """Return whether only this machine reaches the host, which may be the folder of a socket."""
    return host.startswith("/") or is_loopback(host)


def _needs_no_password(rule: Rule, public_host: str) -> bool:
    """Return whether clients that reach the public host can log in without a password."""
    by_socket = rule.kind == "local" and not public_host.startswith("/")
    is_elsewhere = rule.is_local and not is_local(public_host)
    return rule.method == "trust" and not by_socket and not is_elsewhere


def _find_weak_rules(tenants: Iterable[tuple[str, str]], rules: Sequence[Rule]) -> Iterator[Rule]:
    for tenant in tenants:
        matching = [rule for rule in rules if rule.applies_to(tenant)]
        for position, rule in enumerate(matching):
            is_reached = not any(earlier.hides(rule) for earlier in matching[:position])
            if rule.method in WEAK_METHODS and is_reached:
                yield rule


def _has_match(entries: Iterable[str], name: str) -> bool:
    return any(_matches(entry, name) for entry in entries)


def _matches(entry: str, name: str) -> bool:
    if not entry.startswith("/"):
        return entry in {"all", name}
    try:
        return re.search(entry[1:], name) is not None
    except re.error:  # PostgreSQL's regular expressions are not Python's
        return True


def _parse_network(address: str | None, mask: str | None) -> IPv4Network | IPv6Network | None:
    if address is None or mask is None:
        return None
    bits = int(ip_address(mask)).bit_count()
    return ip_network(f"{address}/{bits}", strict=False)


def _format_lines(numbers: Sequence[int]) -> str:
    return f"line{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
