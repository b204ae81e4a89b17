"""The Compose file of `deploy/`, as Compose reads it, and its secrets."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped] # its types are a separate package

from tests.support.service import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
COMPOSE = DEPLOY / "compose.yaml"

VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def read_compose(**variables: str) -> Any:
    """Return the file's contents, with these variables and the defaults of others."""
    text = VARIABLE.sub(lambda found: variables.get(found[1], found[2]), COMPOSE.read_text())
    return yaml.safe_load(text)


def make_secrets(folder: Path) -> Path:
    """Run a copy of the script in `folder`, and return the folder of the secrets."""
    script = shutil.copy(DEPLOY / "compose/make-secrets.sh", folder)
    subprocess.run([script], check=True)
    return folder / "secrets"


def read_environment(secrets: Path, **variables: str) -> dict[str, str]:
    """Return the settings of the service pgvend, with the secrets in place of their files."""
    environment = read_compose(**variables)["services"]["pgvend"]["environment"]
    return {
        name.removesuffix("_FILE"): (secrets / Path(value).name).read_text().strip()
        if name.endswith("_FILE")
        else value
        for name, value in environment.items()
    }
