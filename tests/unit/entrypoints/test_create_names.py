"""The names that `pgvend create` is given."""

from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from entrypoints.cli.errors import ExitStatus, RequestError
from entrypoints.cli.names import collect_names, number_names


def test_names_come_from_arguments_then_the_file_then_the_numbers(tmp_path: Path) -> None:
    file = tmp_path / "names"
    file.write_text("\ufeff# the class\nÄnne\n\n  Bob \n")
    assert collect_names(["web"], str(file), 2, "st") == ["web", "Änne", "Bob", "st_01", "st_02"]


def test_standard_input_is_read_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    content = BytesIO("\ufeffÄnne\r\nBob\r\n".encode())
    monkeypatch.setattr("sys.stdin", TextIOWrapper(content, "ascii"))
    assert collect_names([], "-", None, None) == ["Änne", "Bob"]


def test_a_greater_count_keeps_the_first_names() -> None:
    assert number_names("st", 100)[:9] == number_names("st", 9)
    assert number_names("st-", 100)[-1] == "st-100"


REFUSED = {
    "nothing": ([], None, None, None, "Write the nickname"),
    "a count without a prefix": (["a"], None, 3, None, "belong together"),
    "a repeated name": (["a", "b", "a"], None, None, None, "'a' appears more than once"),
    "a missing file": ([], "/no/such", None, None, "--fork-of /no/such"),
    "a folder": ([], "/", None, None, "cannot be read"),
    "an empty file": ([], "/dev/null", None, None, "'/dev/null' holds no names"),
    "an archive": ([], "/proc/self/exe", None, None, "not text in UTF-8"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_mistakes_are_errors_of_usage(case: str) -> None:
    names, file, count, prefix, message = REFUSED[case]
    with pytest.raises(RequestError, match=message) as refusal:
        collect_names(names, file, count, prefix)
    assert refusal.value.exit_status is ExitStatus.USAGE
