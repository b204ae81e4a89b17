"""Loading the settings: start-up reports every invalid one, each with its fix."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from domain.errors import StartupError
from entrypoints.config.client_variables import CLIENT_VARIABLES
from entrypoints.config.environment import (
    find_ignored_links,
    find_misspelled_names,
    find_unknown_names,
    read_environment,
)
from entrypoints.config.provenance import find_misplaced_addresses
from entrypoints.config.settings import Settings


def load_settings(**given: Any) -> Settings:
    """Load the settings from the environment. Values `given` by field name have precedence, unless
    they are None. Raises StartupError with a line for every invalid setting."""
    variables, chosen = read_environment(), _key_by_variable(given)
    known = variables.select(_list_variables(Settings) - chosen.keys())
    mistakes = [*_report_misspelled_names(variables.values), *find_misplaced_addresses(known)]
    try:
        settings = Settings.model_validate({**known.values, **chosen})
    except ValidationError as error:
        mistakes += _format_mistakes(error, Settings)
    if mistakes:
        raise StartupError(
            "The settings are invalid:\n" + "\n".join(f"  {line}" for line in mistakes)
        )
    _check_current_folder(settings)
    return settings


def find_ignored_variables() -> list[str]:
    """Return a sentence for every variable that looks like a setting but is ignored."""
    known = _list_known_names()
    unknown = find_unknown_names(read_environment().values, known)
    return [
        *(f"{name} is not a setting of pgvend: remove or correct it." for name in unknown),
        *(
            f"{name} is ignored: Kubernetes sets it for the Service of that name."
            for name in find_ignored_links(known)
        ),
    ]


def _check_current_folder(settings: Settings) -> None:
    if settings.data_dir.is_absolute():
        return
    try:
        Path.cwd()
    except OSError as error:
        raise StartupError(
            "The current folder does not exist any more: start pgvend in another folder, or set "
            "PGVEND_DATA_DIR to an absolute path."
        ) from error


def _list_known_names() -> set[str]:
    return _list_variables(Settings) | {variable.name for variable in CLIENT_VARIABLES}


def _report_misspelled_names(variables: Mapping[str, str]) -> Iterator[str]:
    for name, right_name in find_misspelled_names(variables, _list_known_names()):
        yield f"{name}: not a setting. Use {right_name}, or remove it."


def _list_variables(kind: type[BaseModel]) -> set[str]:
    """Return the documented names, the only ones that are read: not a web application's SECRET."""
    return {_get_variable(field) for field in kind.model_fields.values()}


def _key_by_variable(given: Mapping[str, Any]) -> dict[str, Any]:
    chosen = {name: value for name, value in given.items() if value is not None}
    return {_get_variable(Settings.model_fields[name]): value for name, value in chosen.items()}


def _get_variable(field: Any) -> str:
    return str(field.validation_alias)


def _format_mistakes(error: ValidationError, kind: type[BaseModel]) -> list[str]:
    return [_format_mistake(mistake, kind) for mistake in error.errors(include_input=False)]


def _format_mistake(mistake: Any, kind: type[BaseModel]) -> str:
    place = mistake["loc"][0]  # a variable, or a field with an invalid default
    field = next(
        field
        for name, field in kind.model_fields.items()
        if place in {name, field.validation_alias}
    )
    problem = mistake["msg"].removeprefix("Value error, ").removesuffix(".")
    return f"{field.validation_alias}: {problem}. Set it to {field.description}."
