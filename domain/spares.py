"""Spares: the records of ready databases that creations claim, and how many of them are wanted."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from domain.audit import SYSTEM_CALLER
from domain.callers import ANYONE
from domain.database import Database
from domain.lifecycle import Operation, State
from domain.names import Nickname, PgNames
from domain.targets import Target

DEFAULT = "default"
"""The name, in the settings, of the spares without a template."""

SHAPE_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SpareLevel:
    """The spares of one template, or of `default`: how many are wanted, how many are ready to be
    claimed, and how many are being filled now."""

    template: str
    wanted: int
    ready: int
    filling: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedSpares:
    """The spares to keep for one template, or for `default`. `source` is the id of the template,
    empty for `default`; `shape` is the shape of these spares."""

    template: str
    count: int
    source: str
    shape: str


def derive_shape(settings_shape: str, secret: str, source: str) -> str:
    """Return the shape of spares with these settings, passwords from the secret of that name, and
    contents from that source. It is never empty."""
    facts = "\0".join((settings_shape, secret, source))
    return sha256(facts.encode()).hexdigest()[:SHAPE_LENGTH]


def new_spare(
    spare_id: str, wanted: WantedSpares, *, target: Target, secret: str, nonce: str, now: datetime
) -> Database:
    """Return the record of a spare that is to be filled. Its names say nothing but its id."""
    return Database(
        id=spare_id,
        nickname=Nickname(spare_id),
        names=PgNames.from_id(spare_id),
        target=target,
        caller=SYSTEM_CALLER,
        state=State.SPARE,
        created_at=now,
        secret=secret,
        nonce=nonce,
        source=wanted.source,
        shape=wanted.shape,
    ).start(Operation.PROVISION, now)


def is_claimable(record: Database) -> bool:
    """Return whether the record is that of a spare which is filled completely."""
    return record.state is State.SPARE and record.is_idle


def is_same_creation(record: Database, draft: Database) -> bool:
    """Return whether the request of this draft, and no other one, led to the record. Two requests
    may claim the same spare; one of them gets it."""
    of_record = (record.caller, record.nickname, record.created_at)
    return not record.is_spare and of_record == (draft.caller, draft.nickname, draft.created_at)


def from_forgotten_claim(record: Database, names: PgNames) -> Database:
    """Return the record of a spare whose database was claimed, although the registry, which was
    restored from a backup, does not know by whom."""
    return replace(
        record,
        nickname=Nickname(names.database),
        names=names,
        caller=ANYONE.name,
        state=State.READY,
        shape="",
        history=(),
        wake_at=None,
        failures=0,
    )


def find_template(templates: Iterable[Database], name: str) -> Database | None:
    """Return the template of that name whose spares are kept. A shared one has precedence, because
    only an admin can share it; then the oldest one."""
    found = [each for each in templates if each.is_idle and each.nickname.text == name]
    return min(found, key=lambda each: (not each.is_shared, each.created_at, each.id), default=None)


def find_unwanted(spares: Sequence[Database], wanted: Sequence[WantedSpares]) -> list[Database]:
    """Return the spares to delete: those that are of another shape, and, oldest first, those that
    are too many."""
    places = Counter({each.shape: each.count for each in wanted})
    unwanted = []
    for spare in sorted(spares, key=lambda each: each.id, reverse=True):
        if places[spare.shape] <= 0:
            unwanted.append(spare)
        places[spare.shape] -= 1
    return unwanted[::-1]


def find_next(spares: Sequence[Database], wanted: Sequence[WantedSpares]) -> WantedSpares | None:
    """Return what the next spare is filled for: where the smallest share of the wanted ones
    exists. Return None if nothing is missing."""
    present = Counter(spare.shape for spare in spares)
    short = [each for each in wanted if present[each.shape] < each.count]
    return min(short, key=lambda each: present[each.shape] / each.count, default=None)


def list_levels(
    spares: Sequence[Database], counts: Mapping[str, int], wanted: Sequence[WantedSpares]
) -> list[SpareLevel]:
    """Return the levels in the order of the settings. Nothing is ready for a template that does not
    exist."""
    shapes = {each.template: each.shape for each in wanted}
    ready = Counter(spare.shape for spare in spares if is_claimable(spare))
    filling = Counter(spare.shape for spare in spares if not is_claimable(spare))
    return [
        SpareLevel(
            template=template,
            wanted=count,
            ready=ready[shapes.get(template, "")],
            filling=filling[shapes.get(template, "")],
        )
        for template, count in counts.items()
    ]
