"""Moments on the command line."""

from __future__ import annotations


def moment_option(option: str, text: str | None) -> int | None:
    """The moment that an option names, in microseconds UTC; None when it was left out. Raises BadInput."""
    from noria.core.clock import parse_moment
    from noria.core.errors import BadInput

    try:
        return parse_moment(text) if text else None
    except ValueError:
        raise BadInput(f"{option} {text!r} is no date", hint="write it as 2013-04-01 or 2013-04-01T12:00") from None
