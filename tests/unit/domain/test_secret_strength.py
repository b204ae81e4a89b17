"""The strength of secrets: typed ones are weak, random ones are not."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.secret_strength import _PLACEHOLDERS, MIN_DISTINCT, MIN_LENGTH, find_weakness
from domain.secrets import Secret

RANDOM: dict[str, Callable[[Random], str]] = {
    "openssl rand -hex 32, and our own": lambda random: random.randbytes(32).hex(),
    "openssl rand -base64 32": lambda random: b64encode(random.randbytes(32)).decode(),
    "openssl rand -base64 24": lambda random: b64encode(random.randbytes(24)).decode(),
    "base64 for URLs": lambda random: urlsafe_b64encode(random.randbytes(32)).decode().rstrip("="),
    "openssl rand -hex 64": lambda random: random.randbytes(64).hex(),
    "a password manager": lambda random: "".join(random.choices("abcdefghjkmnpqrstuvwxyz23", k=32)),
    "digits": lambda random: "".join(random.choices("0123456789", k=64)),
}

TYPED = [
    "change-me-to-something-long-and-random",
    "your-secret-key-here-at-least-32-characters",
    "my-super-secret-jwt-token-with-at-least-32-characters-long",
    "replace-this-with-openssl-rand-hex-32",
    "openssl rand -hex 32 openssl rand -hex 32",
    "PGVEND-SECRET-FOR-PRODUCTION-USE-2026",
    "P4ssw0rd-P4ssw0rd!P4ssw0rd_P4ssw0rd",
    "correct horse battery staple correct",
    "passwordpassword1234567890abcdef",
    "abcdefghijklmnopqrstuvwxyz012345",
    "zyxwvutsrqponmlkjihgfedcba987654",
    "qwertyuiopasdfghjklzxcvbnm123456",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9",
    "chaos1chaos2chaos3chaos4chaos5chaos6",
    "dragon-dragon+dragon dragon.dragon_dragon",
    "0123456789abcdef" * 4,
    "00000000-0000-0000-0000-000000000001",
]


@pytest.mark.parametrize("how", RANDOM)
@given(seed=st.integers(min_value=0))
def test_random_secrets_are_not_weak(how: str, seed: int) -> None:
    """Uses a generator: Hypothesis itself may produce 32 zeros as random bytes."""
    random = Random(seed)  # noqa: S311 - the same secrets in each run
    assert find_weakness(Secret(RANDOM[how](random))) is None


@pytest.mark.parametrize("text", TYPED)
@pytest.mark.parametrize("spell", [str, str.upper, str.title])
def test_typed_secrets_are_weak(text: str, spell: Callable[[str], str]) -> None:
    reason = find_weakness(Secret(spell(text)))
    assert reason
    assert text not in reason


@given(st.text(max_size=MIN_LENGTH - 1))
def test_short_secrets_are_weak(text: str) -> None:
    assert find_weakness(Secret(text))


@given(st.text(min_size=1, max_size=MIN_LENGTH // 2), st.integers(2, 40))
def test_repetitions_are_weak(text: str, times: int) -> None:
    assert find_weakness(Secret((text.lower() * times)[: max(MIN_LENGTH, len(text) * times - 1)]))


@given(st.permutations("0123456789abcdef"), st.randoms(use_true_random=False))
def test_few_different_characters_are_weak(characters: list[str], random: Random) -> None:
    few = random.choices(characters[: MIN_DISTINCT - 1], k=2 * MIN_LENGTH)
    assert find_weakness(Secret("".join(few)))


WORDS = st.sampled_from(_PLACEHOLDERS.split())


@given(st.lists(WORDS, min_size=1, max_size=20), st.sampled_from(["", "-", "_", " ", "."]))
def test_placeholder_words_are_weak_with_any_separator(words: list[str], between: str) -> None:
    assert find_weakness(Secret(between.join(words) + between + "2026"))
