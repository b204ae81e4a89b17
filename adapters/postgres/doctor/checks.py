"""The doctor's checks of one server, run as its admin."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from adapters.postgres.doctor import admin, capacity, encodings, guard, logins, ownership, privacy
from adapters.postgres.doctor.context import Questions, Subject, answer
from adapters.postgres.doctor.marks import Known
from adapters.postgres.factory import opened_provider
from adapters.postgres.server import Server
from adapters.postgres.sessions import session_of
from domain.doctor import Check
from domain.errors import ProviderRejected, Unavailable
from ports.driven.clock import Clock
from ports.driven.doctor import Examination

EVERYWHERE: Questions = {
    **admin.QUESTIONS,
    **privacy.QUESTIONS,
    **capacity.QUESTIONS,
    **encodings.QUESTIONS,
    **guard.QUESTIONS,
}
"""Checks for every server."""

OPERATED: Questions = {
    **EVERYWHERE,
    **logins.QUESTIONS,
    **privacy.OF_SUPERUSERS,
    **ownership.QUESTIONS,
    **guard.OF_GUARD,
}
"""Checks for a server that an operator runs."""

WITH_SIZES: Questions = {**OPERATED, **capacity.OF_SIZES}
"""Checks for a server whose tenants' sizes are limited."""

Recall = Callable[[], Awaitable[Known]]
"""Loads the facts that pgvend knows without the server."""


@dataclass(frozen=True, kw_only=True)
class PostgresExamination(Examination):
    """The checks of one server. `setting` is named in the error if the admin cannot log in."""

    server: Server
    recall: Recall
    clock: Clock
    setting: str
    questions: Questions

    async def examine(self) -> AsyncGenerator[Check, None]:
        context = Subject(server=self.server, known=await self.recall(), clock=self.clock)
        try:
            async for check in asked(self.questions, context):
                yield check
        except (ProviderRejected, Unavailable) as error:
            raise ProviderRejected(f"{error} See {self.setting}.") from error


async def asked(questions: Questions, context: Subject) -> AsyncGenerator[Check, None]:
    """Run all checks in one session. Raises ProviderRejected and ProviderBusy if the admin cannot
    log in."""
    async with (
        opened_provider(context.server, "") as provider,
        session_of(provider.pool) as session,
    ):
        for name, question in questions.items():
            yield Check(name, await answer(question, session, context))
