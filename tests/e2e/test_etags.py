"""ETags: a change is made to the record that its caller has seen, or not at all."""

from typing import Any

import pytest

from tests.support.apps import Answer, RunningApp, problem_in


async def made(app: RunningApp) -> tuple[str, str]:
    """A new database's address and its ETag."""
    answer = await app.ask("POST", "/v1/databases", {"nickname": "tagged"})
    return answer.headers["Location"], answer.headers["ETag"]


async def labelled(app: RunningApp, path: str, label: str, tags: Any) -> Answer:
    headers = [("If-Match", tag) for tag in ([tags] if isinstance(tags, str) else tags)]
    return await app.ask("PATCH", path, {"labels": {"is": label}}, headers)


async def label_of(app: RunningApp, path: str) -> Any:
    return (await app.get(path))["labels"].get("is")


async def test_whatever_tells_the_record_tells_its_etag(app: RunningApp) -> None:
    path, tag = await made(app)

    for what in ("", "/connection"):
        assert (await app.ask("GET", path + what)).headers["ETag"] == tag
    assert tag.startswith('"')
    assert tag.endswith('"')


async def test_every_change_makes_another_etag(app: RunningApp) -> None:
    path, tag = await made(app)
    seen = [tag]
    for method, what, body in (
        ("PATCH", "", {"ttl": "1h"}),
        ("PATCH", "", {"labels": {}}),
        ("POST", "/rotate", None),
    ):
        answer = await app.ask(method, path + what, body)
        assert answer.headers["ETag"] == (await app.ask("GET", path)).headers["ETag"]
        seen.append(answer.headers["ETag"])

    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize(
    "write",
    [
        "{tag}",
        " {tag} ",
        '"another", {tag}',
        '{tag},"another"',
        'W/{tag}, {tag} , "a,b"',
        ['"another"', "{tag}"],
        "*",
    ],
)
async def test_a_change_of_what_was_seen_is_made(app: RunningApp, write: str | list[str]) -> None:
    path, tag = await made(app)
    tags = [one.format(tag=tag) for one in ([write] if isinstance(write, str) else write)]

    answer = await labelled(app, path, "seen", tags)

    assert answer.status == 200
    assert await label_of(app, path) == "seen"


async def test_a_weak_etag_is_not_enough(app: RunningApp) -> None:
    path, tag = await made(app)

    problem_in(await labelled(app, path, "weak", f"W/{tag}"), 412, "precondition_failed")
