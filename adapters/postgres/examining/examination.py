"""A server, looked at as its admin."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from adapters.postgres.examining import (
    admin,
    capacity,
    encodings,
    guarding,
    logins,
    ownership,
    privacy,
)
from adapters.postgres.examining.marks import Known
from adapters.postgres.examining.subject import Questions, Subject, answer
from adapters.postgres.opening import opened_provider
from adapters.postgres.server import Server
from adapters.postgres.sessions import session_of
from domain.checkup import Check
from domain.errors import ProviderRejected, Unavailable
from ports.driven.clock import Clock
from ports.driven.examination import Examination

EVERYWHERE: Questions = {
    **admin.QUESTIONS,
    **privacy.QUESTIONS,
    **capacity.QUESTIONS,
    **encodings.QUESTIONS,
    **guarding.QUESTIONS,
}
"""What there is to ask of any server."""

OPERATED: Questions = {
    **EVERYWHERE,
    **logins.QUESTIONS,
    **privacy.OF_SUPERUSERS,
    **ownership.QUESTIONS,
    **guarding.OF_GUARD,
}
"""What there is to ask where somebody operates the server."""

WITH_SIZES: Questions = {**OPERATED, **capacity.OF_SIZES}
"""The same where tenants' sizes are limited."""

Recall = Callable[[], Awaitable[Known]]
"""How to come by what is known without the server."""


@dataclass(frozen=True, kw_only=True)
class PostgresExamination(Examination):
    """`setting` is what to look at when the admin cannot log in."""

    server: Server
    recall: Recall
    clock: Clock
    setting: str
    questions: Questions

    async def examine(self) -> AsyncGenerator[Check, None]:
        subject = Subject(server=self.server, known=await self.recall(), clock=self.clock)
        try:
            async for check in asked(self.questions, subject):
                yield check
        except (ProviderRejected, Unavailable) as error:
            raise ProviderRejected(f"{error} See {self.setting}.") from error


async def asked(questions: Questions, subject: Subject) -> AsyncGenerator[Check, None]:
    """All of them, in one session. Raises ProviderRejected and ProviderBusy where there is none."""
    async with (
        opened_provider(subject.server, "") as provider,
        session_of(provider.pool) as session,
    ):
        for name, question in questions.items():
            yield Check(name, await answer(question, session, subject))
