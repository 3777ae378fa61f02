"""Reading a TOML file, with an error that says where it is broken."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from noria.core.errors import BadInput


class BadToml(BadInput):
    """A TOML file that is not there, not text, or not TOML."""

    code = "N1010"


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises BadToml with the line and column of what cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadToml(
            f"there is no file {path.name} in {path.parent}", hint="the project's values are kept there"
        ) from None
    except UnicodeDecodeError as error:
        raise BadToml(f"{path.name} is not UTF-8 text: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise BadToml(f"{path.name} is not TOML: {error}") from error
