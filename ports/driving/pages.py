"""Lists, page by page: a page begins after an id, so that pages stay whole while things come."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from domain.errors import InvalidPageToken
from domain.identity import PREFIX, is_id


def token_of(last_id: str) -> str:
    return urlsafe_b64encode(last_id.encode()).decode()


def id_in(token: str, prefix: str = PREFIX) -> str | None:
    """The id that the page begins after, None for the first page. Raises InvalidPageToken."""
    if not token:
        return None
    try:
        last_id = urlsafe_b64decode(token.encode()).decode()
    except ValueError:
        raise InvalidPageToken from None
    if not is_id(last_id, prefix):
        raise InvalidPageToken
    return last_id
