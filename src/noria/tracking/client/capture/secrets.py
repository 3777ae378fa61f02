"""Nothing secret is noted: what looks like a password or key on a command line or in an address is crossed out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

CROSSED_OUT = "***"
_SECRET = re.compile(
    r"(?i)(secret|token|passw|pwd|credential|auth(?!or)|private|signature|cookie|(^|[-_.])key$|apikey)"
)
_SHAPED = re.compile(
    r"(?:gh[pousr]_|github_pat_|glpat-|sk-|hf_|xox[abposr]-|AKIA|ASIA|eyJ[\w-]+\.)[\w.-]{8,}"  # of well-known services
)
_IN_ADDRESS = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_SHORTEST = 6


def is_secret(name: str) -> bool:
    """Whether a name is that of a secret.

    >>> is_secret("--api-key"), is_secret("AWS_SECRET_ACCESS_KEY"), is_secret("--epochs")
    (True, True, False)
    """
    return _SECRET.search(name) is not None


def without_secrets(text: str) -> str:
    """A text without users and passwords in addresses and without keys of well-known shapes.

    >>> without_secrets("git clone https://ann:hunter2@example.org/x.git")
    'git clone https://***@example.org/x.git'
    """
    return _SHAPED.sub(CROSSED_OUT, _IN_ADDRESS.sub(CROSSED_OUT, text))


def arguments(argv: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """A command line with secrets crossed out: by the option's name, by their shape, or because they are the value
    of a secret variable of the environment.

    >>> arguments(["train.py", "--token", "abc", "--api-key=x", "--epochs", "3"], {})
    ['train.py', '--token', '***', '--api-key=***', '--epochs', '3']
    """
    known = [value for name, value in environment.items() if is_secret(name) and len(value) >= _SHORTEST]
    told: list[str] = []
    hide = False
    for one in argv:
        name, equals, _ = one.partition("=")
        named = one.startswith("-") or bool(equals)
        if hide and not one.startswith("-"):
            told.append(CROSSED_OUT)
        elif named and equals and is_secret(name):
            told.append(f"{name}={CROSSED_OUT}")
        else:
            told.append(CROSSED_OUT if any(value in one for value in known) else without_secrets(one))
        hide = one.startswith("-") and not equals and is_secret(one)
    return told
