"""`pgvend webhook`."""

from typing import Annotated

import typer

from domain.event_types import EventType
from entrypoints.cli.client import get_member, send_request
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import AsJson
from entrypoints.cli.printing import print_json, print_line, print_table

HEADS = ("id", "url", "events", "caller", "waiting", "given_up", "last_error")

Url = Annotated[
    str,
    typer.Argument(
        metavar="URL", help="The address of the receiver: https://hooks.example/pgvend."
    ),
]
Events = Annotated[
    str | None,
    typer.Option(
        "--events",
        metavar="LIST",
        help=f"Any of {', '.join(EventType)}; comma separated. Without it, all.",
    ),
]
AllCallers = Annotated[
    bool,
    typer.Option("--all-callers", help="Send the events of the databases of all; for admins."),
]
WebhookId = Annotated[str, typer.Argument(metavar="ID", help="The id of the webhook.")]


def webhook() -> typer.Typer:
    """Return the group of commands."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Create, list, test, rotate and delete webhooks, which get the events of databases.",
    )
    group.command("create")(create)
    group.command("list")(list_)
    group.command("test")(send_test)
    group.command("rotate")(rotate)
    group.command("delete")(delete)
    return group


def create(
    url: Url, events: Events = None, all_callers: AllCallers = False, as_json: AsJson = False
) -> None:
    """Create a webhook and print its id and its secret, which is shown only once."""
    types = None if events is None else [part.strip() for part in events.split(",")]
    body = {"url": url, "events": types, "all_callers": all_callers}
    with report_errors():
        _print_secret(send_request("POST", "webhooks", body=body), as_json=as_json)


def list_(as_json: AsJson = False) -> None:
    """Print your webhooks, newest first, with the deliveries that wait or were given up."""
    with report_errors():
        webhooks = get_member(send_request("GET", "webhooks"), "webhooks")
        if as_json:
            print_json({"webhooks": webhooks})
        else:
            print_table(HEADS, map(_shorten_events, webhooks))


def send_test(webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """Send a test message, and wait until the receiver has accepted it."""
    with report_errors():
        tested = send_request("POST", "webhooks", webhook_id, "test")
        if as_json:
            print_json(tested)
        else:
            print_line(f"{get_member(tested, 'url')} accepted a test message")


def rotate(webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """Replace the secret of a webhook, and print the new one, which is shown only once."""
    with report_errors():
        _print_secret(send_request("POST", "webhooks", webhook_id, "rotate"), as_json=as_json)


def delete(webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """Delete a webhook and the deliveries that wait for it."""
    with report_errors():
        deleted = send_request("DELETE", "webhooks", webhook_id)
        if as_json:
            print_json(deleted)
        else:
            print_line(f"{get_member(deleted, 'id')} is deleted")


def _shorten_events(row: object) -> object:
    """Return the row with `all` instead of a list of all events."""
    if isinstance(row, dict) and row.get("events") == sorted(EventType):
        return row | {"events": "all"}
    return row


def _print_secret(answer: object, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        print_table(("id", "secret"), [answer])
