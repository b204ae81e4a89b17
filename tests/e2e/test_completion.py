"""Names that a shell offers to complete."""

import sys
from pathlib import Path

import pytest

from tests.support.command_line import run_program
from tests.support.fake_service import RECORD, FakeService, fake_service

HOSTILE = ["sa$(reboot)", "sa;reboot", "sa b", "sa\x1b[31m", "sa`id`", "--yes", ""]


PROGRAM = (
    sys.executable,
    "-c",
    "import sys; sys.argv[0] = 'pgvend'; from entrypoints.cli.app import main; main()",
)
"""The command under its installed name, by which its shell functions call it."""


async def complete(words: str, *, service: FakeService | None = None, **more: str) -> list[str]:
    """Return what bash would offer for the words, of which the last one is incomplete."""
    environment = {
        "PGVEND_URL": service.url if service else "http://127.0.0.1:1",
        "_PGVEND_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    result = await run_program(*PROGRAM, **environment | more)
    assert (result.status, result.stderr) == (0, "")
    return [line for line in result.stdout.split("\n") if line]


async def test_databases_are_offered_by_their_names() -> None:
    records = [RECORD | {"database": name} for name in ("sales", "shop", "safari_2", *HOSTILE)]
    async with fake_service({"databases": records}) as service:
        assert await complete("pgvend show sa", service=service) == ["sales", "safari_2"]
    assert service.requests == [("GET", "/v1/databases?page_size=200", None)]


async def test_options_before_the_command_are_used() -> None:
    async with fake_service({"databases": [RECORD]}) as service:
        words = f"pgvend --url {service.url} --key k delete "
        assert await complete(words) == ["sales2024"]
    assert service.headers[0]["Authorization"] == "Bearer k"


@pytest.mark.parametrize("answer", [b"<h1>", {"databases": 1}, {"databases": [1, {}]}, {}])
async def test_nothing_is_offered_if_the_service_cannot_be_asked(answer: object) -> None:
    async with fake_service(answer) as service:
        assert await complete("pgvend show ", service=service) == []


async def test_profiles_are_offered(tmp_path: Path) -> None:
    assert await complete("pgvend --profile ") == []
    file = tmp_path / "pgvend" / "config.toml"
    file.parent.mkdir()
    file.write_text('[profiles.prod]\nurl="https://a.example"\n[profiles.lan]\nurl="b"\n')
    assert await complete("pgvend --profile ", XDG_CONFIG_HOME=str(tmp_path)) == ["lan", "prod"]
