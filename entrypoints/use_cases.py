"""All that may be asked of the service, put together."""

from dataclasses import dataclass

from ports.driving.check_health import CheckHealth
from ports.driving.list import ListDatabases
from ports.driving.retire import RetireDatabase
from ports.driving.show import ShowDatabase
from ports.driving.vend import VendDatabase


@dataclass(frozen=True, kw_only=True)
class UseCases:
    vend: VendDatabase
    show: ShowDatabase
    list: ListDatabases
    retire: RetireDatabase
    check_health: CheckHealth
