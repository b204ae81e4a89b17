"""All settings: those of the service, and those of the client commands."""

from dataclasses import dataclass
from typing import Any

from entrypoints.config.client_variables import CLIENT_VARIABLES
from entrypoints.config.secret_files import FILE_VARIABLES
from entrypoints.config.settings import Settings


@dataclass(frozen=True)
class Setting:
    name: str
    default: Any
    description: str


SETTINGS = [
    *(
        Setting(str(field.validation_alias), field.default, str(field.description))
        for field in Settings.model_fields.values()
    ),
    *(Setting(each.name, each.default, each.description) for each in CLIENT_VARIABLES),
]

NAMES = {setting.name for setting in SETTINGS} | FILE_VARIABLES.keys()
