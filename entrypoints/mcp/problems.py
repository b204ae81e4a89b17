"""Errors of tools, as agents read them."""

import json
from collections.abc import Mapping
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp_types import CallToolResult, TextContent
from pydantic import ValidationError

from domain.errors import PgvendError

INVALID_ARGUMENTS = "invalid_arguments"
INTERNAL_ERROR = "internal_error"
DECLINED = "declined"


class ToolProblem(Exception):
    """A tool failed. `code` is stable across releases; `retryable` means that the same call may
    succeed later, after `retry_after` seconds if that is given."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        retryable: bool = False,
        retry_after: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.retryable = retryable
        self.retry_after = retry_after
        self.request_id = request_id

    def to_members(self) -> Mapping[str, Any]:
        members = {
            "code": self.code,
            "detail": str(self),
            "retryable": self.retryable,
            "retry_after": self.retry_after,
            "request_id": self.request_id,
        }
        return {name: value for name, value in members.items() if value is not None}


def find_problem(error: Exception) -> ToolProblem | None:
    """Return the problem that made a tool fail, None if the tool has a defect."""
    match error:
        case ToolProblem():
            return error
        case PgvendError():
            return ToolProblem(error.code, str(error), retryable=error.retryable)
        case UnexpectedToolError(__cause__=Exception() as cause):
            return find_problem(cause)
        case ToolError(__cause__=ToolError()):  # of an answer that is not that of the form
            return ToolProblem(DECLINED, "The answer of the user is not valid: nothing was done.")
        case ToolError(__cause__=ValidationError() as cause):
            return ToolProblem(INVALID_ARGUMENTS, _describe_arguments(cause))
    return None


def to_result(problem: ToolProblem) -> CallToolResult:
    """Return the result of a call that failed: a text, in JSON. Clients compare structured content
    with the schema of successful results, also that of errors."""
    text = json.dumps(problem.to_members(), ensure_ascii=False)
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)


def _describe_arguments(error: ValidationError) -> str:
    """Return what is wrong with which arguments, without their values."""
    wrong = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in wrong)
