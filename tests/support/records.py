"""Records with unique ids and names."""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from domain.database import Database
from domain.ids import RANDOM_BYTES, new_id
from domain.lifecycle import Operation, State
from domain.names import Nickname
from domain.targets import Isolation, Target
from tests.support.provision_requests import unique_name

TARGET = Target(name="here", provider="memory", isolation=Isolation.ROLE)
ELSEWHERE = replace(TARGET, name="elsewhere")


def new_record(
    nickname: str | None = None,
    *,
    target: Target = TARGET,
    state: State = State.PROVISIONING,
    labels: Mapping[str, str] | None = None,
    created_at: datetime | None = None,
) -> Database:
    """Return a record with a new id, as a new request writes it; its nickname is unique."""
    now = created_at or datetime.now(UTC)
    typed = nickname or unique_name()
    return Database(
        id=new_id(now, os.urandom(RANDOM_BYTES)),
        nickname=Nickname(typed),
        names=Nickname(typed).derive_names(),
        target=target,
        state=state,
        labels=labels or {},
        created_at=now,
    ).start(Operation.PROVISION, now)
