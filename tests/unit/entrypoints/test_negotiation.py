"""The choice of a format by its name or by the Accept header."""

import pytest

from domain.errors import InvalidRequest
from entrypoints.formats import FORMATS
from entrypoints.formats.negotiation import BY_MEDIA_TYPE, NotAcceptable, choose_format

CHOSEN = {
    "application/json": "json",
    "application/*": "json",
    "text/plain": "uri",
    "text/*": "uri",
    "application/yaml": "k8s-secret",
    "Text/Plain": "uri",
    "text/plain; charset=utf-8": "uri",
    'text/plain; note="a, b; q=0"': "uri",
    "  text/plain  ,": "uri",
    # without a preference
    "": "json",
    " ": "json",
    "*/*": "json",
    "text/html, */*;q=0.1": "json",
    # the greater weight
    "application/json;q=0.2, text/plain;q=0.8": "uri",
    "application/json ; Q=0.2 , text/plain": "uri",
    "text/plain;q=0.001, application/yaml;q=0.002": "k8s-secret",
    "application/json;q=.2, text/plain;q=.3": "uri",
    "text/html, image/gif, *; q=.2, */*; q=.2": "json",
    "application/json, text/plain;q=1.9": "json",
    "application/json;q=0.5, text/plain;a=1;q=0.1, text/plain;a=2;q=0.9": "uri",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": "json",
    "application/yaml, text/plain, application/json": "json",
    # the more specific range
    "*/*, application/json;q=0.5": "uri",
    "application/*;q=0.9, application/json;q=0.1, text/*;q=0.5": "k8s-secret",
    "text/*, text/plain;q=0.1, application/*;q=0.5": "json",
    "*/*, application/*;q=0": "uri",
}

NOTHING_FITS = [
    *("text/html", "application/xml, image/*", "application/json;q=0"),
    "text/plain;q=0.0, application/*;q=0, */*;q=0.000",
    *("garbage", "json", ";;,,;", "*"),
]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("accept", [None, "application/json", "text/html", "", "*/*;q=0"])
def test_a_name_has_precedence_over_the_accept_header(name: str, accept: str | None) -> None:
    assert choose_format(name, accept) is FORMATS[name]


@pytest.mark.parametrize("name", ["", "JSON", "xml", "json ", "x" * 5000, "é"])
def test_an_unknown_name_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        choose_format(name, "application/json")
    assert all(known in str(refused.value) for known in FORMATS)
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize(("accept", "name"), [(None, "json"), *CHOSEN.items()])
def test_a_format_is_chosen_by_the_accept_header(accept: str | None, name: str) -> None:
    assert choose_format(None, accept).name == name


@pytest.mark.parametrize("accept", NOTHING_FITS)
def test_an_error_names_the_acceptable_media_types(accept: str) -> None:
    with pytest.raises(NotAcceptable) as refused:
        choose_format(None, accept)
    assert all(media_type in str(refused.value) for media_type in BY_MEDIA_TYPE)
    assert "?format=" in str(refused.value)


@pytest.mark.parametrize("weight", ["high", "", "-1", "2", "nan", "1e-3", "\u0661", ".", "1.0.0"])
def test_an_invalid_weight_is_ignored(weight: str) -> None:
    assert choose_format(None, f"application/json;q=0.9, text/plain;q={weight}").name == "uri"
