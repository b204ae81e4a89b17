"""Templates: frozen databases from which others are copied."""

import re
from collections.abc import Sequence
from itertools import chain

from domain.callers import Caller
from domain.database import Database
from domain.errors import AmbiguousName, Forbidden, InvalidRequest, TemplateNotFound
from domain.lifecycle import Operation, State
from domain.names import Nickname

NAME_PATTERN = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}")

RESERVED_NAME = "default"
"""The name of the spares without a template in PGVEND_SPARES."""

MAX_MATCHES = 10
"""The maximum number of ids in an error."""


def validate_name(name: str) -> Nickname:
    """Return the nickname of a new template. Raises InvalidRequest."""
    if not NAME_PATTERN.fullmatch(name):
        raise InvalidRequest(
            "A template's name has 1 to 63 ASCII letters, digits, dots, hyphens and underscores, "
            "and begins with a letter or a digit."
        )
    if name == RESERVED_NAME:
        raise InvalidRequest(
            f"{RESERVED_NAME!r} stands for databases without a template: choose another name."
        )
    return Nickname(name)


def is_ready_template(record: Database) -> bool:
    """Return whether databases can be copied from this record's."""
    is_frozen = not (record.is_pending(Operation.PROVISION) or record.is_pending(Operation.SUSPEND))
    return record.state is State.TEMPLATE and is_frozen


def describe_state(template: Database) -> State:
    """Return the state of a template in the words of databases: it is ready, or provisioning."""
    if template.state is not State.TEMPLATE:
        return template.state
    return State.READY if is_ready_template(template) else State.PROVISIONING


def can_use(caller: Caller, template: Database) -> bool:
    """Return whether the caller may copy the template, and sees it."""
    return template.is_shared or caller.can_see(template.caller)


def check_usable_by(caller: Caller, record: Database) -> Database:
    """Return the record. Raises TemplateNotFound unless it is a template that the caller sees."""
    if not (record.is_template and can_use(caller, record)):
        raise TemplateNotFound(f"There is no template {record.id!r}.")
    return record


def check_owned_by(caller: Caller, record: Database) -> Database:
    """Return the record. Raises TemplateNotFound, and Forbidden for a shared template of another
    caller."""
    if not caller.can_see(check_usable_by(caller, record).caller):
        raise Forbidden(f"The template {record.id} belongs to another caller, who shares it.")
    return record


def choose_template(templates: Sequence[Database], caller: Caller) -> Database | None:
    """Return the template that a name stands for among those of this name, newest first: the
    caller's own before a shared one, and a ready one before one that is provisioning; for a caller
    that can see all also the one of another caller. Raises AmbiguousName if several have one."""
    own = [template for template in templates if template.caller == caller.name]
    shared = [template for template in templates if template.is_shared]
    if not (own or shared) and caller.can_see_all:
        return _choose_of_others(templates)
    return _choose_ready((*own, *shared))


def _choose_ready(templates: Sequence[Database]) -> Database | None:
    return next(chain(filter(is_ready_template, templates), templates), None)


def _choose_of_others(templates: Sequence[Database]) -> Database | None:
    if len({template.caller for template in templates}) > 1:
        ids = ", ".join(template.id for template in templates[:MAX_MATCHES])
        raise AmbiguousName(f"Several callers have a template of this name; use an id: {ids}.")
    return _choose_ready(templates)
