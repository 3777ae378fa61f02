"""Which installed package a module belongs to, and its version; or that it is the project's own code."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import re
import sys
import sysconfig
from pathlib import Path

UNKNOWN = "unknown"
"""The version of a module that lies among the installed packages but belongs to none of them."""

_STANDARD = Path(sysconfig.get_paths()["stdlib"]).resolve()
_INSTALLED = ("site-packages", "dist-packages")


@functools.cache
def distributions(top: str) -> tuple[tuple[str, str], ...] | None:
    """Names and versions of the packages that provide the top-level module `top`; None for project code.

    The standard library counts as `python`, by major and minor version. A file of the project that is called
    like a module of the standard library is still the project's: its place decides, not its name. An editable
    install lies outside the installed packages, so it is project code too.

    >>> distributions("json")[0][0]
    'python'
    """
    if top.startswith("_cython_"):
        return ()  # types that compiled modules share among them; the module itself is noted
    place = _place(top)
    if top == "noria":
        return ((top, _version(top)),)
    if place is None:
        return (python(),) if top in sys.builtin_module_names or top in sys.stdlib_module_names else None
    if any(part in _INSTALLED for part in place.parts):
        return _providers(top) or ((top, UNKNOWN),)
    return (python(),) if place.is_relative_to(_STANDARD) else None


def python() -> tuple[str, str]:
    """The interpreter as a package: compiled code means the same within one minor version."""
    return "python", f"{sys.version_info.major}.{sys.version_info.minor}"


def findable(top: str) -> bool:
    """Whether a top-level module could be imported at all; nothing is imported to find out."""
    return top in sys.modules or top in sys.builtin_module_names or _spec(top) is not None


def _place(top: str) -> Path | None:
    module = sys.modules.get(top)
    spec = None if module is not None else _spec(top)
    file = getattr(module, "__file__", None) or (spec.origin if spec and spec.has_location else None)
    if file is None:  # a namespace package has folders but no file
        folders = list(getattr(module, "__path__", None) or (spec and spec.submodule_search_locations) or [])
        file = folders[0] if folders else None
    return Path(file).resolve() if file else None


def _spec(top: str) -> importlib.machinery.ModuleSpec | None:
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None


def _providers(top: str) -> tuple[tuple[str, str], ...]:
    """The packages whose record of files has the module.

    `importlib.metadata.packages_distributions` answers the same for every module at once, in 0.3 s.
    """
    listed = re.compile(rf"^{re.escape(top)}(/|\.py,|\.[\w.-]*(so|pyd),)", re.MULTILINE)
    try:
        namesake = importlib.metadata.distribution(top)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        namesake = None
    if namesake is not None and f"\n{top}/__init__.py," in "\n" + (namesake.read_text("RECORD") or ""):
        return ((namesake.name, namesake.version),)
    found = {
        (one.name, one.version)
        for one in importlib.metadata.distributions()
        if listed.search(one.read_text("RECORD") or "") or top in (one.read_text("top_level.txt") or "").split()
    }
    return tuple(sorted(found))


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return UNKNOWN
