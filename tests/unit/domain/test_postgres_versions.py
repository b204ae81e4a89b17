"""PostgreSQL versions and their missing fixes."""

import pytest

from domain.postgres_versions import FIXED_IN, FIXED_ON, NEWEST, OLDEST, Version, parse_version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("18.6", Version(18, 6)),
        ("15.20 (Debian 15.20-0+deb12u1)", Version(15, 20)),
        ("postgres (PostgreSQL) 16.14", Version(16, 14)),
        ("19beta1", Version(19, 0)),
        ("postgres (PostgreSQL) 20devel", Version(20, 0)),
        ("no version at all", None),
        ("", None),
    ],
)
def test_a_version_is_parsed_from_the_output_of_a_program(
    text: str, version: Version | None
) -> None:
    assert parse_version(text) == version


def test_every_supported_version_has_its_latest_known_fix() -> None:
    assert list(FIXED_IN) == list(range(OLDEST, NEWEST + 1))


@pytest.mark.parametrize("major", FIXED_IN)
def test_a_version_before_the_fix_lacks_it_and_the_fixed_one_does_not(major: int) -> None:
    fixed = FIXED_IN[major]

    assert Version(major, fixed - 1).lacks_fixes
    assert not Version(major, fixed).lacks_fixes
    assert not Version(major, fixed + 1).lacks_fixes


def test_the_advice_names_the_fixed_version_and_its_day() -> None:
    advice = Version(18, 4).advice

    assert f"18.{FIXED_IN[18]} of {FIXED_ON}" in advice
    assert advice.endswith("install the newest 18.x.")


def test_an_unknown_version_has_no_known_vulnerabilities() -> None:
    assert not Version(NEWEST + 1, 0).lacks_fixes
    assert not Version(OLDEST - 1, 0).lacks_fixes
