"""Parameters that several tools share."""

from typing import Annotated

from pydantic import Field

from entrypoints.formats import FORMATS

Name = Annotated[
    str,
    Field(description="The database: its id, its name on the server, or its nickname."),
]
Ttl = Annotated[
    str,
    Field(description="The time from now until it expires: 30m, 24h, 7d or P1DT12H."),
]
LifetimeOrDefault = Annotated[
    str | None,
    Field(
        description="The time until it expires: 30m, 24h, 7d or P1DT12H. Choose it as long as your "
        "task needs the database. The instructions of this server name the default."
    ),
]
Labels = Annotated[
    dict[str, str] | None,
    Field(description='Labels, such as {"task": "fix-login"}.'),
]
FormatName = Annotated[
    str,
    Field(
        description="The format: `uri` works in psql and most drivers, `env` is for a .env file.",
        json_schema_extra={"enum": [*FORMATS]},
    ),
]
