"""Error responses of the API, with Neon's own messages."""

from collections.abc import Mapping


class ApiError(Exception):
    """An error response. Most of Neon's errors have an empty `code`: clients use the status."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = headers


class BadRequest(ApiError):
    """The request does not conform to the API description."""

    def __init__(self, reason: str) -> None:
        super().__init__(400, f"invalid request: {reason}")


class Unauthorized(ApiError):
    def __init__(self) -> None:
        super().__init__(401, "supplied credentials do not pass authentication")


class NotFound(ApiError):
    def __init__(self, message: str) -> None:
        super().__init__(404, message)


class PasswordsNotStored(ApiError):
    def __init__(self) -> None:
        super().__init__(412, "Storing passwords is disabled")


class Locked(ApiError):
    def __init__(self, code: str) -> None:
        super().__init__(
            423,
            "project already has running conflicting operations, "
            "scheduling of new ones is prohibited",
            code,
        )


class LimitExceeded(ApiError):
    def __init__(self, kind: str, limit: int, count: int) -> None:
        super().__init__(
            422,
            f"{kind} limit of {limit} exceeded, got {count}",
            f"{kind.rsplit(maxsplit=1)[-1].upper()}_LIMIT_EXCEEDED",
        )
