"""Find the database that a request with `on_conflict: reuse` reuses."""

from dataclasses import dataclass, replace

from domain.database import Database
from domain.idempotency import IdempotencyKey
from domain.names import Nickname
from ports.driven.registry import Query, Registry
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.find_database import MAX_MATCHES, STAYING, choose_only
from ports.use_cases.records import update_record


@dataclass(frozen=True, kw_only=True)
class FindReusable:
    registry: Registry

    async def __call__(self, request: CreateRequest) -> Database | None:
        """Return the caller's database of the request's nickname. Return None if the caller has
        none that stays; then a new one can be recorded with the key of the request.

        Raises InvalidNickname, InvalidRequest for an invalid key, and AmbiguousName.
        """
        nickname = Nickname.parse(request.nickname).text
        query = Query(
            caller=request.caller.name,
            states=STAYING,
            nickname=nickname,
            limit=MAX_MATCHES,
        )
        key = request.to_idempotency_key()
        if matches := await self.registry.search(query):
            return choose_only(nickname, matches)
        return await self._release(key) if key else None

    async def _release(self, key: IdempotencyKey) -> Database | None:
        """Take the key from a database that does not stay. Return one that has been created since
        and has the key."""
        for holder in await self.registry.search(Query(idempotency_key=key.key, limit=1)):
            current = await update_record(self.registry, holder.id, _forget_key)
            if current.state in STAYING:
                return current
        return None


def _forget_key(database: Database) -> Database | None:
    return None if database.state in STAYING else replace(database, idempotency_key=None)
