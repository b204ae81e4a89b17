"""Profiles: named addresses and keys of services, in the user's `config.toml`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_IRWXG, S_IRWXO
from typing import Any

from domain.errors import StartupError
from domain.secrets import Secret

DEFAULT = "default"
"""The profile that is used without `--profile` and PGVEND_PROFILE."""

_MEMBERS = {"url": str, "key": str, "key_file": str, "allow_http": bool}


@dataclass(frozen=True, slots=True)
class Profile:
    name: str
    url: str
    key: Secret | None = None
    allow_http: bool = False


def find_config_file() -> Path:
    """Return the path of `config.toml`, which need not exist."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(folder) if os.path.isabs(folder) else Path("~/.config").expanduser()
    return base / "pgvend" / "config.toml"


def find_default_profile() -> Profile | None:
    """Return the default profile, if there is one. Raises StartupError if the file is invalid."""
    file = find_config_file()
    members = _read_profiles(file).get(DEFAULT)
    return None if members is None else _parse_profile(file, DEFAULT, members)


def load_profile(name: str) -> Profile:
    """Raises StartupError if the profile does not exist or is invalid."""
    file = find_config_file()
    profiles = _read_profiles(file)
    if name not in profiles:
        known = ", ".join(sorted(profiles)) or "none"
        raise StartupError(
            f"There is no profile {name!r} in {file} (there: {known}): add [profiles.{name}]."
        )
    return _parse_profile(file, name, profiles[name])


def list_profile_names() -> list[str]:
    """Raises StartupError if the file is invalid."""
    return sorted(_read_profiles(find_config_file()))


def _read_profiles(file: Path) -> Mapping[str, Any]:
    """Return the tables of the profiles; none if the file is missing."""
    try:
        text = file.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        raise StartupError(f"{file} cannot be read ({error}): make it readable.") from error
    return _parse_tables(file, text)


def _parse_tables(file: Path, text: str) -> Mapping[str, Any]:
    import tomllib  # noqa: PLC0415 - most commands have no such file

    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StartupError(f"{file} is not TOML ({error}): correct it.") from None
    if unknown := sorted(tables.keys() - {"profiles"}):
        raise StartupError(f"{file}: {unknown[0]} is not a table of pgvend: use [profiles.NAME].")
    profiles = tables.get("profiles", {})
    if not isinstance(profiles, dict):
        raise StartupError(f"{file}: profiles is not a table: use [profiles.NAME].")
    return profiles


def _parse_profile(file: Path, name: str, members: Any) -> Profile:
    place = f"{file}, [profiles.{name}]"
    if not isinstance(members, dict):
        raise StartupError(f"{place} is not a table: write url = ... below it.")
    for member, value in members.items():
        if not isinstance(value, _MEMBERS.get(member, ())):
            known = "url, key, key_file (texts) and allow_http (true or false)"
            raise StartupError(f"{place}: {member} is not valid: use {known}.")
    if "url" not in members:
        raise StartupError(f"{place}: url is missing: set it to the service's address.")
    return Profile(
        name, members["url"], _read_key(file, place, members), members.get("allow_http", False)
    )


def _read_key(file: Path, place: str, members: Mapping[str, Any]) -> Secret | None:
    """Return the key of the profile. Raises StartupError if other users can read the key."""
    if "key" in members and "key_file" in members:
        raise StartupError(f"{place}: key and key_file are both set: remove one.")
    if key := members.get("key"):
        _check_closed(file)
        return Secret(key)
    if not (path := members.get("key_file")):
        return None
    key_file = file.parent / Path(path).expanduser()
    try:
        text = key_file.read_text("utf-8").strip()
        _check_closed(key_file)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", "not text")
        raise StartupError(
            f"{place}: {key_file} cannot be read ({reason}): set key_file to the file of the key."
        ) from None
    return Secret(text) if text else None


def _check_closed(file: Path) -> None:
    if file.stat().st_mode & (S_IRWXG | S_IRWXO):
        raise StartupError(f"{file} holds a key, and other users can open it: chmod 600 {file}")
