"""Snapshots of a guarded server, built by hand."""

from domain.locks import Lock, LockKind, LockMode, Party
from domain.server_snapshot import PreparedTransaction, ServerSnapshot, Session

GUARD, ATTACKER, SECOND, VICTIM, ADMIN, AUTOVACUUM = range(1, 7)

_TENANTS = {ATTACKER: "b", SECOND: "b", VICTIM: "a"}


def session(pid: int, **more: object) -> Session:
    fields: dict[str, object] = {"pid": pid, "tenant": _TENANTS[pid], "role": 100 + pid, **more}
    return Session(**fields)  # type: ignore[arg-type]  # the tests choose the fields


def prepared(**more: object) -> PreparedTransaction:
    fields: dict[str, object] = {
        "gid": "kept",
        "tenant": "b",
        "owner": "user_b",
        "database": "of_b",
        "open_for": 1.0,
        "held_id": 1,
        **more,
    }
    return PreparedTransaction(**fields)  # type: ignore[arg-type]  # the tests choose the fields


def lock(
    party: Party,
    target: str,
    mode: LockMode,
    *,
    waited: float | None = None,
    of: str | None = None,
) -> Lock:
    """Build a lock, of the kind that the target's first part names."""
    return Lock(
        party=party,
        kind=LockKind(target.partition(":")[0]),
        target=target,
        mode=mode,
        granted=waited is None,
        waited=waited or 0.0,
        tenant=of,
    )


def create_snapshot(*locks: Lock, **more: object) -> ServerSnapshot:
    """Build a snapshot: sessions of all tenants, a guard with a weak lock, and these locks."""
    fields: dict[str, object] = {
        "guards": [GUARD],
        "sessions": [session(pid) for pid in _TENANTS],
        "system_sessions": [AUTOVACUUM],
        "locks": [lock(GUARD, "catalog:1260", LockMode.AccessShare), *locks],
        **more,
    }
    return ServerSnapshot(**fields)  # type: ignore[arg-type]  # the tests choose the fields
