"""Where a command looks for the service and its key."""

from pathlib import Path

from tests.support.command_line import PGVEND, ran
from tests.support.fake_service import RECORD, fake_service


async def test_a_dotenv_file_says_where_the_service_is_and_who_asks(tmp_path: Path) -> None:
    async with fake_service(RECORD) as service:
        (tmp_path / ".env").write_text(f"PGVEND_URL={service.url}\nPGVEND_KEY=k\n")
        shown = await ran("env", "-C", str(tmp_path), *PGVEND, "show", "db_1")

    assert shown.status == 0, shown.stderr
    assert service.headers[0]["Authorization"] == "Bearer k"


async def test_a_dotenv_file_that_cannot_be_read_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PGVEND_KEY=\xff\n")

    refused = await ran("env", "-C", str(tmp_path), *PGVEND, "show", "db_1")

    assert (refused.status, refused.stdout) == (1, "")
    assert refused.stderr == "pgvend: .env: not UTF-8. Save it as UTF-8.\n"
