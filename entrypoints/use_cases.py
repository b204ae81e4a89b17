"""All that may be asked of the service, put together."""

from dataclasses import dataclass

from ports.driving.add_extension import AddExtension
from ports.driving.admit import AdmitCaller
from ports.driving.audit import Audit
from ports.driving.change import ChangeDatabase
from ports.driving.check_health import CheckHealth
from ports.driving.connect import ShowConnection
from ports.driving.delete import DeleteDatabase
from ports.driving.list import ListDatabases
from ports.driving.list_extensions import ListExtensions
from ports.driving.manage_keys import ManageKeys
from ports.driving.restore import RestoreDatabase
from ports.driving.rotate import RotatePassword
from ports.driving.show import ShowDatabase
from ports.driving.sweep import Sweep
from ports.driving.vend import VendDatabase
from ports.driving.watch import WatchDatabase


@dataclass(frozen=True, kw_only=True)
class UseCases:
    vend: VendDatabase
    show: ShowDatabase
    connect: ShowConnection
    list: ListDatabases
    watch: WatchDatabase
    change: ChangeDatabase
    rotate: RotatePassword
    restore: RestoreDatabase
    delete: DeleteDatabase
    add_extension: AddExtension
    list_extensions: ListExtensions
    sweep: Sweep
    check_health: CheckHealth
    admit: AdmitCaller
    keys: ManageKeys
    audit: Audit
