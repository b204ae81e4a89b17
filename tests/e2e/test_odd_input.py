"""What looks odd and is fine, and odd queries."""

from urllib.parse import quote

import pytest

from tests.support.apps import RunningApp, problem_of


@pytest.mark.parametrize(
    "nickname",
    [
        "🚀 launch",
        "👩\u200d👩\u200d👧\u200d👦",
        "متجر الكتب",
        "חנות ספרים",
        "\u202eright to left\u202c",
        "e\u0301te\u0301",
        "Z̴̛͈a̶̝͝l̵̰̂g̸̰̈o̷̧͝",
        "数据库",
        "Ünïcödé ß",
        "ﬁnance Ⅻ",
        "a" * 256,
        "'; DROP DATABASE postgres; --",
        '"quoted"',
        "../../etc/passwd",
        "<script>alert(1)</script>",
        "%s%n{0}${x}",
    ],
)
async def test_any_nickname_with_a_letter_makes_a_plain_name(
    app: RunningApp, nickname: str
) -> None:
    database = await app.vend(nickname)

    assert database["nickname"] == nickname
    assert len(database["owner"]) <= 63
    assert all(char.isascii() and (char.isalnum() or char in "-_") for char in database["owner"])


async def test_the_two_forms_of_an_accent_are_one_name(app: RunningApp) -> None:
    composed, decomposed = await app.vend("caf\u00e9"), await app.vend("cafe\u0301")

    assert composed["database"] == "cafe"
    assert decomposed["database"].startswith("cafe-")


async def test_long_nicknames_with_one_beginning_stay_two(app: RunningApp) -> None:
    first = await app.vend("x" * 100 + "1", on_conflict="reject")
    second = await app.vend("x" * 100 + "2", on_conflict="reject")

    assert first["database"] != second["database"]


@pytest.mark.parametrize(
    "query",
    [
        "page_size=0",
        "page_size=201",
        "page_size=-1",
        "page_size=1e1",
        "page_size=",
        "page_size=%D9%A3",  # a digit, but not one of ours
        "page_size=000000001999",
        "page_size=" + "0" * 8 + "1" * 5000,
        "page_size=" + "9" * 5000,
        "state=",
        "state=READY",
        "state=ready,retired",
        "state=ready&state=gone",
        "label=team",
        "label=",
        "limit=3",
        "page-size=3",
        quote("<script>") + "=1",
    ],
)
async def test_a_bad_query_is_explained(app: RunningApp, query: str) -> None:
    async with app.client.get(f"/v1/databases?{query}") as response:
        problem = await problem_of(response, 422, "invalid_request")

    assert len(problem["detail"]) < 1000


@pytest.mark.parametrize(
    "token", ["1", "abc", "AAAA", "%00", "%ff%fe", quote("é"), "x" * 5000, "ZGI=", "ZG", "==="]
)
async def test_a_page_token_that_was_not_issued_is_refused(app: RunningApp, token: str) -> None:
    async with app.client.get(f"/v1/databases?page_token={token}") as response:
        await problem_of(response, 422, "invalid_page_token")


@pytest.mark.parametrize(
    "database_id", ["%00", "%0a", "%ff", quote("é\u202e"), "..%2f..", "'", "1" * 5000]
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_odd_id_is_not_found(app: RunningApp, method: str, database_id: str) -> None:
    async with app.client.request(method, f"/v1/databases/{database_id}") as response:
        problem = await problem_of(response, 404, "database_not_found")

    assert problem["detail"].isprintable()
