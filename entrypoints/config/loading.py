"""Loading the settings: start-up reports every invalid one, each with its fix."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from domain.errors import StartupError
from entrypoints.config.client_variables import CLIENT_VARIABLES
from entrypoints.config.environment import (
    ENV_FILE,
    Variables,
    find_ignored_links,
    find_misspelled_names,
    find_unknown_names,
    read_environment,
)
from entrypoints.config.provenance import find_misplaced_addresses
from entrypoints.config.secret_files import (
    FILE_VARIABLES,
    describe_source,
    read_secret_files,
)
from entrypoints.config.settings import Settings
from entrypoints.config.traces import PREFIX as TRACES_PREFIX


def load_settings(**given: Any) -> Settings:
    """Load the settings from the environment. Values `given` by field name have precedence, unless
    they are None. Raises StartupError with a line for every invalid setting."""
    variables, chosen = read_environment(), _key_by_variable(given)
    known, mistakes = read_secret_files(variables, _list_variables(Settings) - chosen.keys())
    _refuse(mistakes)  # other settings depend on these
    mistakes = [*_report_misspelled_names(variables.values), *find_misplaced_addresses(known)]
    try:
        settings = Settings.model_validate({**known.values, **chosen})
    except ValidationError as error:
        mistakes += _format_mistakes(error, variables)
    _refuse(mistakes)
    _check_current_folder(settings)
    return settings


def find_ignored_variables() -> list[str]:
    """Return a sentence for every variable that looks like a setting but is ignored."""
    known, variables = _list_known_names(), read_environment()
    unknown = find_unknown_names(variables.values, known)
    return [
        *(f"{name} is not a setting of pgvend: remove or correct it." for name in unknown),
        *(
            f"{name} is ignored: Kubernetes sets it for the Service of that name."
            for name in find_ignored_links(known)
        ),
        *(
            f"{name} is ignored in {ENV_FILE}: set it in the environment of pgvend."
            for name in sorted(variables.from_file)
            if name.startswith(TRACES_PREFIX)
        ),
    ]


def _refuse(mistakes: Sequence[str]) -> None:
    """Raise StartupError if there are mistakes."""
    if mistakes:
        raise StartupError(
            "\n".join(("The settings are invalid:", *(f"  {line}" for line in mistakes)))
        )


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
    client = {variable.name for variable in CLIENT_VARIABLES}
    return _list_variables(Settings) | client | FILE_VARIABLES.keys()


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


def _format_mistakes(error: ValidationError, variables: Variables) -> Iterator[str]:
    """Yield a line for each invalid setting."""
    for mistake in error.errors(include_input=False):
        field = _find_field(mistake["loc"][0])
        name = describe_source(_get_variable(field), variables)
        problem = mistake["msg"].removeprefix("Value error, ").removesuffix(".")
        yield f"{name}: {problem}. Set it to {field.description}."


def _find_field(place: int | str) -> Any:
    """Return the field of a mistake: `place` is a variable, or a field with an invalid default."""
    return next(
        field
        for name, field in Settings.model_fields.items()
        if place in {name, field.validation_alias}
    )
