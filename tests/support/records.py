"""Unique records."""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from domain.database import Database
from domain.identity import RANDOM_BYTES, new_id
from domain.naming import Nickname
from domain.states import State
from domain.steps import Work
from domain.target import Isolation, Target
from tests.support.orders import unique_name

TARGET = Target(name="here", provider="memory", isolation=Isolation.ROLE)
ELSEWHERE = replace(TARGET, name="elsewhere")


def new_record(
    nickname: str | None = None,
    *,
    target: Target = TARGET,
    state: State = State.PROVISIONING,
    labels: Mapping[str, str] | None = None,
    made: datetime | None = None,
) -> Database:
    """Return the record of a creation that starts now, with a new id and a unique nickname."""
    now = made or datetime.now(UTC)
    typed = nickname or unique_name()
    return Database(
        id=new_id(now, os.urandom(RANDOM_BYTES)),
        nickname=typed,
        names=Nickname(typed).names(),
        target=target,
        state=state,
        labels=labels or {},
        created_at=now,
    ).began(Work.PROVISION, now)
