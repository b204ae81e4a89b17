"""The time of the database of the registry, which replicas share."""

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from adapters.registry.schema import UtcDateTime


class ServerTime(FunctionElement[Any]):
    """The time at which the statement reaches this expression, not that of its transaction."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(ServerTime, "postgresql")
def _compile_for_postgres(element: ServerTime, compiler: SQLCompiler, **kw: Any) -> str:
    return "clock_timestamp()"


@compiles(ServerTime, "sqlite")
def _compile_for_sqlite(element: ServerTime, compiler: SQLCompiler, **kw: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"  # in the form in which times are stored
