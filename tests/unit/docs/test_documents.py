"""Which commands of a page the test of the documentation executes."""

from pathlib import Path

from tests.support.documents import Command, list_blocks, list_commands

PAGE = """\
# A page

<!-- setup: echo first -->
```console
$ curl -X POST localhost:8000/v1/databases \\
       -d '{}'
{"id": ...,
 "state": "ready"}
$ psql demo
demo=> SELECT 1;
demo=> SELECT 2;
```

1. In a list:

   <!-- not executed: it needs Docker -->
   ```sh
   docker build .
   ```

   ```sh
   echo one
   echo two
   ```

```dotenv
PORT=8001
```
"""


def test_commands_are_what_is_typed_with_what_is_shown(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(PAGE)
    assert list_commands(tmp_path / "page.md") == [
        Command(3, "echo first"),
        Command(
            5,
            "curl -X POST localhost:8000/v1/databases \\\n       -d '{}'",
            '{"id": ...,\n "state": "ready"}',
        ),
        Command(9, "psql demo <<'SQL'\nSELECT 1;\nSELECT 2;\nSQL"),
        Command(21, "echo one\necho two\n"),
    ]


def test_a_block_that_is_not_executed_has_its_reason_alone(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(PAGE)
    reasons = {block.text: block.reason for block in list_blocks(tmp_path / "page.md")}
    assert reasons["docker build .\n"] == "it needs Docker"
    assert [reason for reason in reasons.values() if reason] == ["it needs Docker"]
