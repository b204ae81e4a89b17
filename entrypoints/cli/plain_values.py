"""Values of options and arguments without pydantic, with which Typer checks them: loading it takes
longer than a request. Typer still checks a value that has to be converted, such as a number."""

from typing import Any


class PlainValue:
    """Takes the place of Typer's own check of one option or argument."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value if it has its type already; else let Typer convert it."""
        annotation = param.type_descriptor.annotation
        if value is None:
            return [] if annotation == list[str] else None
        if isinstance(annotation, type) and isinstance(value, annotation):
            return value
        if annotation == list[str]:
            return list(value)
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def skip_checks(command: Any) -> None:
    """Replace Typer's checks of the command's parameters, and of its `--help`, if this version of
    Typer has them."""
    get_params = command.get_params

    def get_plain_params(context: Any) -> list[Any]:
        params = list(get_params(context))
        for param in params:
            if hasattr(param, "_runtime_param"):
                param._runtime_param = PlainValue()
        return params

    command.get_params = get_plain_params
