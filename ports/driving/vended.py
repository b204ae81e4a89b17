"""What is handed out."""

from dataclasses import dataclass

from domain.connection import Connection
from domain.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Vended:
    database: Database
    connection: Connection
