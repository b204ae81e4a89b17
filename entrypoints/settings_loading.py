"""Reading the settings: every mistake is told at once, with its mend."""

import os
from typing import Any

from dotenv import dotenv_values
from pydantic import ValidationError

from domain.errors import StartupError
from entrypoints.settings import ENV_FILE, ClientSettings, Settings


def load_settings(**given: Any) -> Settings:
    """The settings, of which those that are `given` by name, unless as None, go before the
    environment's. Raises StartupError with a line for every mistake."""
    mistakes = []
    try:
        mistakes += _unknown_names()
        settings = Settings(**{name: value for name, value in given.items() if value is not None})
    except UnicodeDecodeError:
        mistakes = [f"{ENV_FILE}: not UTF-8. Save it as UTF-8."]
    except ValidationError as error:
        mistakes += [_told(mistake) for mistake in error.errors(include_input=False)]
    if mistakes:
        raise StartupError(
            "The settings are wrong:\n" + "\n".join(f"  {line}" for line in mistakes)
        )
    return settings


def _known_names() -> set[str]:
    fields = (*Settings.model_fields.values(), *ClientSettings.model_fields.values())
    return {str(field.validation_alias) for field in fields}


def _unknown_names() -> list[str]:
    given = {name.upper() for name in (*os.environ, *dotenv_values(ENV_FILE))}
    unknown = {name for name in given if name.startswith("PGVEND_")} - _known_names()
    return [
        f"{name}: no setting of that name. Remove it, or correct it." for name in sorted(unknown)
    ]


def _told(mistake: Any) -> str:
    place = mistake["loc"][0]  # a variable, or a field whose default does not fit the others
    field = next(
        field
        for name, field in Settings.model_fields.items()
        if place in {name, field.validation_alias}
    )
    what = mistake["msg"].removeprefix("Value error, ").removesuffix(".")
    return f"{field.validation_alias}: {what}. Set it to {field.description}."
