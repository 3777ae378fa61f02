"""What a function's result can depend on: its code and all the code it reaches, as one digest.

From the function the walk goes over globals, closures, defaults, decorators, class bodies and base classes.
Code of the project becomes its syntax tree without docstrings and comments, so moving or re-commenting a
helper changes nothing while changing it changes everything that calls it. Code of installed packages becomes
the package's version. Constants become their value. What cannot be told is a warning, never silence.
"""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import inspect
import sys
import sysconfig
import textwrap
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from noria.core.digest import digest

_LIBRARIES = tuple(
    Path(path).resolve() for name, path in sysconfig.get_paths().items() if name in ("purelib", "platlib")
)
_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))


@dataclass(frozen=True)
class Fingerprint:
    """A function's fingerprint.

    `parts` maps each piece of project code or constant reached to its digest, `packages` each distribution
    reached to its version. `warnings` name what the digest does not cover.
    """

    digest: str
    parts: dict[str, str]
    packages: dict[str, str]
    warnings: tuple[str, ...] = ()


def fingerprint(function: Callable[..., Any]) -> Fingerprint:
    """The fingerprint of a function, with everything it reaches."""
    walk = _Walk()
    walk.visit("", function)
    parts = dict(sorted(walk.parts.items()))
    packages = dict(sorted(walk.packages.items()))
    return Fingerprint(digest([parts, packages]), parts, packages, tuple(sorted(walk.warnings)))


@dataclass
class _Walk:
    parts: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    warnings: set[str] = field(default_factory=set)
    seen: set[int] = field(default_factory=set)
    kept: list[Any] = field(default_factory=list)

    def visit(self, place: str, value: Any) -> None:
        """Record one value reached at `place`, and go on from it."""
        if isinstance(value, _PLAIN):
            if place:
                self.parts[place] = digest(repr(value))
            return
        if id(value) in self.seen:
            return
        self.seen.add(id(value))
        self.kept.append(value)  # an id is only unique while its object lives
        if isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, types.ModuleType):
            self._module(value)
        else:
            self._composite(place, value)

    def _composite(self, place: str, value: Any) -> None:
        if isinstance(value, functools.partial):
            self._several(place, [value.func, *value.args, *value.keywords.values()])
        elif isinstance(value, types.MethodType):
            self._several(place, [value.__func__, value.__self__])
        elif isinstance(value, list | tuple | set | frozenset):
            self._several(place, sorted(value, key=repr) if isinstance(value, set | frozenset) else value)
        elif isinstance(value, Mapping):
            for key in value:
                self.visit(f"{place}[{key!r}]", value[key])
        else:
            self._object(place, value)

    def _several(self, place: str, values: Iterable[Any]) -> None:
        for number, one in enumerate(values):
            self.visit(f"{place}[{number}]", one)

    def _function(self, function: types.FunctionType) -> None:
        if self._installed(function.__module__):
            return
        name = f"{function.__module__}.{function.__qualname__}"
        tree = _tree(function)
        if tree is None:
            self.warnings.add(f"{name}: its source cannot be read")
            self.parts[name] = digest([function.__code__.co_code.hex(), repr(function.__code__.co_consts)])
        else:
            self.parts[name] = digest(tree)
        if wrapped := getattr(function, "__wrapped__", None):
            self.visit(f"{name}.__wrapped__", wrapped)
        self._several(f"{name} default", function.__defaults__ or ())
        for key, value in (function.__kwdefaults__ or {}).items():
            self.visit(f"{name} default {key}", value)
        for free, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            self.visit(f"{name} closes over {free}", _content(cell))
        self._names(function.__module__, _codes(function.__code__), function.__globals__)

    def _names(self, module: str, codes: Iterable[types.CodeType], found: Mapping[str, Any]) -> None:
        for code in codes:
            for name in code.co_names:
                if name in found:
                    self._reached(f"{module}.{name}", found[name], code.co_names)

    def _reached(self, place: str, value: Any, names: Iterable[str]) -> None:
        if isinstance(value, types.ModuleType) and not self._installed(value.__name__):
            for name in names:  # `helpers.scale(x)` reaches helpers.scale, not all of helpers
                if hasattr(value, name):
                    self.visit(f"{value.__name__}.{name}", getattr(value, name))
            return
        self.visit(place, value)

    def _class(self, cls: type) -> None:
        if self._installed(cls.__module__):
            return
        name = f"{cls.__module__}.{cls.__qualname__}"
        self.parts[name] = digest(_tree(cls) or repr(cls))
        for base in cls.__mro__[1:]:
            self.visit(f"{name} base", base)
        for key, value in vars(cls).items():
            inner = getattr(value, "__func__", value)
            if isinstance(inner, property):
                self._several(f"{name}.{key}", [one for one in (inner.fget, inner.fset) if one])
            elif isinstance(inner, types.FunctionType | type | functools.cached_property):
                self.visit(f"{name}.{key}", getattr(inner, "func", inner))
            elif not key.startswith("__"):
                self.visit(f"{name}.{key}", inner)

    def _module(self, module: types.ModuleType) -> None:
        if not self._installed(module.__name__):
            self.warnings.add(f"module {module.__name__} is used as a value; only what is named of it is covered")

    def _object(self, place: str, value: Any) -> None:
        cls = type(value)
        if isinstance(value, types.BuiltinFunctionType | types.MethodDescriptorType):
            self._installed(getattr(value, "__module__", None) or "builtins")
            return
        self.visit(f"{place} class", cls)
        state = getattr(value, "__dict__", None)
        if state is not None and not self._installed(cls.__module__):
            self.visit(f"{place} state", dict(state))
        elif not self._installed(cls.__module__) or place:
            self._opaque(place, value)

    def _opaque(self, place: str, value: Any) -> None:
        shown = repr(value)
        if " at 0x" in shown:
            self.warnings.add(f"{place}: a {type(value).__name__} is not covered")
        else:
            self.parts[place] = digest(shown)

    def _installed(self, module: str | None) -> bool:
        """Whether a module belongs to an installed package, which is then recorded with its version."""
        top = (module or "builtins").partition(".")[0]
        found = _distribution(top)
        if found is None:
            return False
        self.packages[found[0]] = found[1]
        return True


@functools.cache
def _distribution(top: str) -> tuple[str, str] | None:
    """The distribution and version a top-level module belongs to; None for code of the project."""
    if top in sys.stdlib_module_names and top != "__main__":
        return "python", f"{sys.version_info.major}.{sys.version_info.minor}"
    origin = getattr(sys.modules.get(top), "__file__", None)
    if top == "noria" or (origin and any(root in Path(origin).resolve().parents for root in _LIBRARIES)):
        names = _packages().get(top, [top])
        try:
            return names[0], importlib.metadata.version(names[0])
        except importlib.metadata.PackageNotFoundError:
            return top, "unknown"
    return None


@functools.cache
def _packages() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


def _codes(code: types.CodeType) -> Iterable[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _tree(value: Any) -> str | None:
    """The syntax tree of a function or class without docstrings, comments and positions."""
    try:
        source = textwrap.dedent(inspect.getsource(value))
    except (OSError, TypeError):
        return None
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return _lambda_source(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_docstring(body[0]):
            node.body = body[1:] or [ast.Pass()]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _lambda_source(source: str) -> str:
    """A lambda in the middle of an expression does not parse by itself; its text has to do."""
    return " ".join(source.split())


def _is_docstring(node: Any) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
