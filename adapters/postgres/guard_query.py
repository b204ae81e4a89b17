"""The guard's query and the conversion of its result."""

from collections.abc import Iterable
from typing import Any

from adapters.postgres.guard_session import APPLICATION
from adapters.postgres.marks import ID_IN_MARK, Marks
from adapters.postgres.quoting import quote_literal
from domain.locks import Lock, LockKind, LockMode, Party
from domain.server_snapshot import (
    XID_WRAPAROUND,
    Capacity,
    PreparedTransaction,
    ServerSnapshot,
    Session,
    age,
)

_QUERY = """
WITH tenant AS MATERIALIZED (
    SELECT r.oid, r.rolname, {id} AS id
    FROM pg_roles AS r JOIN pg_shdescription AS d ON d.objoid = r.oid AND d.classoid = 1260
    WHERE starts_with(d.description, {prefix})
), activity AS MATERIALIZED (
    SELECT * FROM pg_stat_activity WHERE leader_pid IS NULL
), lock AS MATERIALIZED (
    SELECT * FROM pg_locks WHERE database = 0 OR locktype = 'transactionid'
), prepared AS MATERIALIZED (
    SELECT p.*, t.id AS tenant, virtualtransaction
    FROM pg_prepared_xacts AS p JOIN tenant AS t ON t.rolname = p.owner
    LEFT JOIN lock ON pid IS NULL AND locktype = 'transactionid' AND transactionid = transaction
)
SELECT jsonb_build_object(
    'guard', (SELECT jsonb_build_object(
        'may_end', rolsuper OR pg_has_role('pg_signal_backend', 'USAGE'),
        'may_see', rolsuper OR pg_has_role('pg_read_all_stats', 'USAGE'),
        'guards', (SELECT jsonb_agg(pid) FROM activity
            WHERE usesysid = r.oid AND application_name = {application})
    ) FROM pg_roles AS r WHERE rolname = current_user),
    -- keeps the role cache warm and locks the membership catalog
    'known', (SELECT count(pg_get_userbyid(r.oid)) FROM pg_roles AS r
        LEFT JOIN pg_auth_members AS m ON m.member = r.oid),
    'next_id', pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
    'ids', (SELECT jsonb_agg(transactionid::text::bigint) FROM lock
        WHERE locktype = 'transactionid' AND granted),
    'sessions', (SELECT jsonb_agg(jsonb_build_object(
        'pid', pid, 'tenant', t.id, 'role', t.oid::bigint, 'database', datname,
        'open_for', extract(epoch FROM clock_timestamp() - xact_start),
        'connected_for', extract(epoch FROM clock_timestamp() - backend_start),
        'held', jsonb_build_array(backend_xid::text::bigint, backend_xmin::text::bigint),
        'ids', (SELECT jsonb_agg(transactionid::text::bigint) FROM lock
            WHERE lock.pid = a.pid AND locktype = 'transactionid' AND granted)
    )) FROM activity AS a JOIN tenant AS t ON t.oid = usesysid),
    'prepared', (SELECT jsonb_agg(jsonb_build_object(
        'gid', gid, 'tenant', tenant, 'owner', owner, 'database', database,
        'open_for', extract(epoch FROM clock_timestamp() - prepared),
        'held_id', transaction::text::bigint
    )) FROM prepared),
    'locks', (SELECT jsonb_agg(jsonb_build_object(
        'party', coalesce(to_jsonb(l.pid), to_jsonb(gid), to_jsonb(l.virtualtransaction)),
        'kind', locktype, 'mode', mode, 'granted', granted,
        'tenant', coalesce(database_owner.id, t.id),
        'waited', coalesce(extract(epoch FROM clock_timestamp() - waitstart), 0),
        'target', concat_ws(':', locktype, relation, page, tuple, transactionid, classid, objid)
    )) FROM lock AS l
        LEFT JOIN prepared AS p ON l.pid IS NULL AND p.virtualtransaction = l.virtualtransaction
        LEFT JOIN pg_database AS d ON classid = 1262 AND d.oid = objid
        LEFT JOIN tenant AS database_owner ON database_owner.oid = d.datdba
        LEFT JOIN tenant AS t ON classid = 1260 AND t.oid = objid
        WHERE l.database = 0 OR transactionid IN
            (SELECT transactionid FROM lock WHERE locktype = 'transactionid' AND NOT granted)),
    'system_sessions', (SELECT jsonb_agg(pid) FROM activity WHERE usesysid IS NULL),
    'databases', (SELECT jsonb_agg(jsonb_build_array(
        datname, datfrozenxid::text::bigint, mxid_age(datminmxid))) FROM pg_database),
    'max_sessions', current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0),
    'open_sessions', (SELECT count(*) FROM activity WHERE usesysid IS NOT NULL)
)
"""
# 1260 and 1262: pg_authid and pg_database; looking them up by name would lock them

_KINDS = {
    "relation": LockKind.CATALOG,
    "object": LockKind.OBJECT,
    "tuple": LockKind.TUPLE,
    "transactionid": LockKind.TRANSACTION,
}

_NOTIFY_LOCK = "object:1262:0"
"""The lock that every commit with a NOTIFY takes for a moment, in any database."""


def build_guard_query(marks: Marks) -> str:
    """Return the query for the state of the server and of the tenants with these marks."""
    prefix = quote_literal(marks.prefix)
    return _QUERY.format(
        prefix=prefix,
        id=ID_IN_MARK.format(mark="d.description", prefix=prefix),
        application=quote_literal(APPLICATION),
    )


def parse_snapshot(answer: dict[str, Any], disk: Capacity | None) -> ServerSnapshot:
    """Convert the query's result. `disk` is the capacity of the server's disk if it is known."""
    next_id = _find_next_id(answer)
    guard, max_sessions = answer["guard"], answer["max_sessions"]
    return ServerSnapshot(
        guards=guard["guards"] or (),
        sessions=[_session_from_row(each, next_id) for each in answer["sessions"] or ()],
        prepared=[PreparedTransaction(**each) for each in answer["prepared"] or ()],
        locks=[_lock_from_row(each) for each in answer["locks"] or ()],
        system_sessions=answer["system_sessions"] or (),
        next_id=next_id,
        ages={
            name: max(age(next_id, frozen), multixact_age)
            for name, frozen, multixact_age in answer["databases"]
        },
        connections=Capacity(
            free=max(max_sessions - answer["open_sessions"], 0), total=max_sessions
        ),
        disk=disk,
        can_end_sessions=guard["may_end"],
        can_see_transactions=guard["may_see"],
    )


def _find_next_id(answer: dict[str, Any]) -> int:
    """Return the next transaction id. The snapshot does not include ids of open transactions; their
    locks do."""
    first = answer["next_id"] % XID_WRAPAROUND
    distances = [age(each, first) for each in answer["ids"] or ()]
    return (
        int(first + max((each + 1 for each in distances if each < XID_WRAPAROUND // 2), default=0))
        % XID_WRAPAROUND
    )


def _session_from_row(row: dict[str, Any], next_id: int) -> Session:
    def sort_by_age(ids: Iterable[int | None]) -> list[int]:
        return sorted((each for each in ids if each is not None), key=lambda id_: age(next_id, id_))

    held_ids, own_ids = sort_by_age(row.pop("held")), sort_by_age(row.pop("ids") or ())
    return Session(
        **row,
        held_id=held_ids[-1] if held_ids else None,
        newest_id=own_ids[0] if own_ids else None,
    )


def _lock_from_row(row: dict[str, Any]) -> Lock:
    party: Party = row["party"]
    is_notify = row["target"] == _NOTIFY_LOCK
    return Lock(
        party=party,
        kind=LockKind.SHORT_LIVED if is_notify else _KINDS.get(row["kind"], LockKind.SHORT_LIVED),
        target=row["target"],
        mode=LockMode[row["mode"].removesuffix("Lock")],
        granted=row["granted"],
        waited=row["waited"],
        tenant=row["tenant"],
    )
