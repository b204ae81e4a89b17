"""Routes of webhooks."""

from dataclasses import replace

from domain.callers import Scope
from domain.errors import (
    DeliveryFailed,
    Forbidden,
    InFlight,
    SecretUnknown,
    TooManyWebhooks,
    WebhookNotFound,
)
from entrypoints.http.api.handlers import webhooks
from entrypoints.http.api.routes import parameters as params
from entrypoints.http.api.routes.route import Answer, Route, Tag
from entrypoints.http.api.routes.shared import LOCATION_HEADER, REGISTRY_ERRORS
from entrypoints.http.api.schemas.webhooks import (
    CreateWebhookRequest,
    WebhookListResponse,
    WebhookResponse,
    WebhookWithSecretResponse,
)

WEBHOOK_ID = replace(
    params.ID, schema=params.WEBHOOK_ID_SCHEMA, description="The id of the webhook."
)
FIND_ERRORS = (WebhookNotFound, *REGISTRY_ERRORS)

WEBHOOK_ROUTES = (
    Route(
        method="POST",
        path="/v1/webhooks",
        handler=webhooks.create_webhook,
        scope=Scope.MANAGE,
        name="createWebhook",
        tag=Tag.WEBHOOKS,
        summary="Create a webhook",
        description=(
            "Sends the events of your databases to a URL, from now on: each one at least once, in "
            "a message that is signed as Standard Webhooks describes. The answer has the secret of "
            "the signatures, which is shown only once. The key needs the scope `read` too."
        ),
        body=CreateWebhookRequest,
        answers=(
            Answer(
                status=201,
                description="The webhook, with its secret.",
                body=WebhookWithSecretResponse,
                headers=LOCATION_HEADER,
            ),
        ),
        errors=(Forbidden, TooManyWebhooks, *REGISTRY_ERRORS),
        reveals=True,
    ),
    Route(
        method="GET",
        path="/v1/webhooks",
        handler=webhooks.list_webhooks,
        scope=Scope.READ,
        name="listWebhooks",
        tag=Tag.WEBHOOKS,
        summary="List webhooks",
        description="Returns your webhooks, or all for an admin, with the state of deliveries.",
        answers=(
            Answer(status=200, description="The webhooks, newest first.", body=WebhookListResponse),
        ),
        errors=REGISTRY_ERRORS,
    ),
    Route(
        method="GET",
        path="/v1/webhooks/{id}",
        handler=webhooks.show_webhook,
        scope=Scope.READ,
        name="showWebhook",
        tag=Tag.WEBHOOKS,
        summary="Get a webhook",
        description="Returns the webhook, with the state of its deliveries.",
        parameters=(WEBHOOK_ID,),
        answers=(Answer(status=200, description="The webhook.", body=WebhookResponse),),
        errors=FIND_ERRORS,
    ),
    Route(
        method="DELETE",
        path="/v1/webhooks/{id}",
        handler=webhooks.delete_webhook,
        scope=Scope.MANAGE,
        name="deleteWebhook",
        tag=Tag.WEBHOOKS,
        summary="Delete a webhook",
        description="Deletes the webhook and the deliveries that wait for it.",
        parameters=(WEBHOOK_ID,),
        answers=(Answer(status=200, description="The deleted webhook.", body=WebhookResponse),),
        errors=FIND_ERRORS,
    ),
    Route(
        method="POST",
        path="/v1/webhooks/{id}/rotate",
        handler=webhooks.rotate_webhook_secret,
        scope=Scope.MANAGE,
        name="rotateWebhookSecret",
        tag=Tag.WEBHOOKS,
        summary="Replace the secret of a webhook",
        description=(
            "Signs all messages with a new secret from now on, the repeated ones too. The answer "
            "has the secret, which is shown only once."
        ),
        parameters=(WEBHOOK_ID,),
        answers=(
            Answer(
                status=200,
                description="The webhook, with its new secret.",
                body=WebhookWithSecretResponse,
            ),
        ),
        errors=FIND_ERRORS,
        reveals=True,
    ),
    Route(
        method="POST",
        path="/v1/webhooks/{id}/test",
        handler=webhooks.test_webhook,
        scope=Scope.MANAGE,
        name="testWebhook",
        tag=Tag.WEBHOOKS,
        summary="Send a test message",
        description=(
            "Sends a message of the type `webhook.test` once, and returns when the receiver has "
            "accepted it."
        ),
        parameters=(WEBHOOK_ID,),
        answers=(
            Answer(
                status=200, description="The receiver accepted the message.", body=WebhookResponse
            ),
        ),
        errors=(DeliveryFailed, InFlight, SecretUnknown, *FIND_ERRORS),
    ),
)
