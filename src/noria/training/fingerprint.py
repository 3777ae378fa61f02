"""What a function's result can depend on: its code and all the code and values it reaches, as one digest.

From the function the walk goes over the names it looks up, closures, defaults, decorators, local imports, class
bodies and base classes. Code of the project counts by what it does (see `bytecode`): moving or re-commenting a
helper changes nothing, changing it changes everything that calls it. Code of installed packages counts by the
package's version. Values count by their content; an object tells its own, as it would to be copied. What cannot
be told, or is read from outside when the function runs, is a warning and never silence.
"""

from __future__ import annotations

import builtins
import copyreg
import functools
import importlib
import importlib.util
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from noria.core.digest import digest, digest_bytes
from noria.training import bytecode
from noria.training.bytecode import Form, Import, Lookup, constant
from noria.training.distributions import UNKNOWN, distributions, findable, python

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), type(NotImplemented))
_SEVERAL = (list, tuple, set, frozenset)
_OUTSIDE = frozenset({
    "open", "eval", "exec", "__import__", "globals", "input", "import_module", "environ", "getenv", "urlopen",
    "loadtxt", "genfromtxt", "fromfile", "memmap",
})  # fmt: skip
_OUTSIDE_PREFIXES = ("read_", "scan_")
_TELLING = ("__slots__", "__dataclass_fields__", "__pydantic_fields__", "__attrs_attrs__")
"""Class attributes with two underscores that say what its objects hold; the others are the interpreter's."""
_LONG = 200
_MOST = 100_000
"""So many objects are looked at; a larger graph (a whole model, a client of a service) is a warning."""


@dataclass(frozen=True)
class Fingerprint:
    """A function's fingerprint.

    `parts` maps each piece of project code, and each value, that is reached to its digest; `packages` each
    distribution reached to its version. `warnings` name what the digest does not cover.
    """

    digest: str
    parts: dict[str, str]
    packages: dict[str, str]
    warnings: tuple[str, ...] = ()


def fingerprint(function: Callable[..., Any]) -> Fingerprint:
    """The fingerprint of a function (or anything that can be called), with everything it reaches.

    The same in every process and on every machine with the same code, packages and minor version of Python.
    """
    walk = _Walk()
    name = getattr(function, "__qualname__", type(function).__qualname__)
    called = walk.named(f"{getattr(function, '__module__', '')}.{name}", function)
    parts = dict(sorted(walk.parts.items()))
    packages = dict(sorted(walk.packages.items()))
    return Fingerprint(digest([called, parts, packages]), parts, packages, tuple(sorted(walk.warnings)))


class _Walk:
    """One walk. Every method gives a text that stands for what it was shown and adds to `parts`."""

    def __init__(self) -> None:
        self.parts: dict[str, str] = {}
        self.packages: dict[str, str] = dict([python()])
        self.warnings: set[str] = set()
        self._told: dict[int, str] = {}
        self._open: list[int] = []
        self._kept: list[Any] = []  # an id is only unique while its object lives

    def named(self, place: str, value: Any) -> str:
        """Tell a value that has a name of its own, so that a change can be told by that name."""
        try:
            told = self.tell(place, value)
        except RecursionError:
            self.warnings.add(f"{place} is nested too deeply: its content is not covered")
            return place
        if isinstance(value, types.FunctionType | type | types.ModuleType):
            return told
        return f"value {self._part(place, digest(told))}"

    def tell(self, place: str, value: Any) -> str:
        """Tell any value: short when it is plain, by a digest of its content otherwise."""
        if type(value) in _PLAIN:
            return _plain(value)
        if id(value) in self._told:
            return self._told[id(value)]
        if id(value) in self._open:
            return f"up {len(self._open) - self._open.index(id(value))}"
        if len(self._told) > _MOST:
            self.warnings.add(f"{place} holds too much to be covered")
            return "much"
        self._open.append(id(value))
        self._kept.append(value)
        try:
            self._told[id(value)] = told = self._compound(place, value)
        finally:
            self._open.pop()
        return told

    def _compound(self, place: str, value: Any) -> str:
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, types.ModuleType):
            return self._module(value)
        if type(value) in _SEVERAL:
            told = [self.tell(place, one) for one in value]
            return digest([type(value).__name__, sorted(told) if isinstance(value, set | frozenset) else told])
        if type(value) is dict or isinstance(value, types.MappingProxyType):
            return digest(["dict", [[self.tell(place, key), self.tell(place, one)] for key, one in value.items()]])
        return self._object(place, value)

    # -- code

    def _function(self, function: types.FunctionType) -> str:
        module = function.__globals__.get("__name__", function.__module__)  # `__module__` may be a wrapped one's
        name = f"{module}.{function.__qualname__}"
        if self._packaged(module):
            return f"function {name} {self._made(name, function)}"
        self._told[id(function)] = f"function {name}"  # for the function that calls itself
        form = bytecode.read(function.__code__)
        self._reads_outside(name, form)
        told = [
            form.instructions,
            [self._lookup(name, function.__globals__, one) for one in form.lookups],
            [self._import(name, function.__globals__, one) for one in form.imports],
            self._given(name, function),
        ]
        part = self._part(name, digest(told))
        return f"function {part} {self.parts[part]}" if "<" in name else f"function {part}"

    def _given(self, name: str, function: types.FunctionType) -> list[str]:
        """What a function was given when it was made: defaults, closed-over values, attributes."""
        defaults = function.__defaults__ or ()
        last = function.__code__.co_argcount
        names = function.__code__.co_varnames[last - len(defaults) : last]
        given = {f"{name} default {key}": value for key, value in zip(names, defaults, strict=True)}
        given |= {f"{name} default {key}": value for key, value in (function.__kwdefaults__ or {}).items()}
        free = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        given |= {f"{name} closes over {key}": _content(cell) for key, cell in free}
        given |= {f"{name}.{key}": value for key, value in vars(function).items()}
        return [self.named(place, value) for place, value in given.items()]

    def _made(self, name: str, function: types.FunctionType) -> list[str]:
        """What a package's function holds of ours: nothing when it is the package's own, else its closure.

        A decorator of a package gives a function of the package that closes over ours.
        """
        if self._packaged(function.__module__) and _found(function.__module__, function.__qualname__) is function:
            return []
        if isinstance(registry := getattr(function, "registry", None), types.MappingProxyType):
            return [self.tell(name, registry)]  # functools.singledispatch, whose closure holds a cache
        return self._given(name, function)

    def _lookup(self, name: str, found: Mapping[str, Any], lookup: Lookup) -> str:
        if lookup.name.startswith("__") and lookup.name.endswith("__"):
            return f"interpreter's {lookup.name}"
        if lookup.name not in found:
            if not hasattr(builtins, lookup.name) and lookup.certain:
                self.warnings.add(f"{name} uses {lookup.name}, which is not defined")
            return f"builtin {lookup.name}"
        value, place = found[lookup.name], f"{found.get('__name__')}.{lookup.name}"
        for attribute in lookup.attributes:  # `helpers.scale(x)` reaches helpers.scale, not all of helpers
            if not isinstance(value, types.ModuleType) or self._packaged(value.__name__):
                break
            place = f"{value.__name__}.{attribute}"
            if not hasattr(value, attribute):
                self.warnings.add(f"{name} uses {place}, which is not defined")
                return f"undefined {place}"
            value = getattr(value, attribute)
        return self.named(place, value)

    def _import(self, name: str, found: Mapping[str, Any], statement: Import) -> str:
        """An import inside a function: all of a module, or of what is taken from it. Packages are not imported."""
        dotted = statement.module
        try:
            if statement.level:
                dotted = importlib.util.resolve_name("." * statement.level + dotted, found.get("__package__"))
            top = dotted.partition(".")[0]
            if not findable(top):
                self.warnings.add(f"{name} imports {dotted}, which is not installed")
                return f"absent {dotted}"
            if self._packaged(dotted):
                return f"package {dotted}"
            module = importlib.import_module(dotted)
            if not statement.names:
                return self._module(module)
            return digest([self.named(f"{dotted}.{one}", _taken(module, one)) for one in statement.names])
        except Exception as error:
            self.warnings.add(f"{name} imports {dotted}, which failed: {type(error).__name__}: {error}")
            return f"broken {dotted}"

    def _class(self, cls: type) -> str:
        name = f"{_module(cls)}.{cls.__qualname__}"
        if self._packaged(_module(cls)):
            return f"class {name}"
        self._told[id(cls)] = f"class {name}"
        bases = [self.tell(name, one) for one in (*cls.__bases__, type(cls))]
        held = {key: value for key, value in vars(cls).items() if _counts(key, value)}
        members = [[key, self.named(f"{name}.{key}", value)] for key, value in sorted(held.items())]
        return f"class {self._part(name, digest([bases, members, self._annotations(cls)]))}"

    def _annotations(self, cls: type) -> list[list[str]]:
        annotations = vars(cls).get("__annotations__")
        if not isinstance(annotations, dict):
            return []
        return [[key, self.tell(f"{cls.__qualname__}.{key}", value)] for key, value in annotations.items()]

    def _module(self, module: types.ModuleType) -> str:
        """A module used as a value: all that it defines, for anything may be taken from it by name."""
        if self._packaged(module.__name__):
            return f"module {module.__name__}"
        self._told[id(module)] = f"module {module.__name__}"
        for key, value in sorted(vars(module).items()):
            if not key.startswith("__") and not isinstance(value, types.ModuleType):
                self.named(f"{module.__name__}.{key}", value)
        return f"module {module.__name__}"

    # -- objects

    def _object(self, place: str, value: Any) -> str:
        cls = type(value)
        if isinstance(module := getattr(value, "__module__", None), str) and callable(value):
            self._packaged(module)
        if (home := _module(cls)).startswith("noria.") and not home.startswith("noria.core."):
            self._packaged(home)
            return f"noria {cls.__qualname__}"  # a declaration: the plan tells it
        if (inner := _inside(value)) is not None:
            return digest([cls.__qualname__, [self.tell(place, one) for one in inner]])
        try:
            reducer = copyreg.dispatch_table.get(cls)
            state: Any = reducer(value) if reducer else value.__reduce_ex__(4)
        except Exception:
            self.warnings.add(f"{place} holds a {cls.__qualname__}, whose content is not covered")
            return f"uncovered {self.tell(place, cls)}"
        if isinstance(state, str):  # it is known by a name in its package
            return f"{self.tell(place, cls)} {state}"
        pieces = [list(one) if hasattr(one, "__next__") else one for one in state]
        return digest(["object", self.tell(place, cls), [self.tell(place, one) for one in pieces]])

    # -- keeping account

    def _packaged(self, module: str | None) -> bool:
        """Whether a module belongs to installed packages, which are then noted with their versions."""
        found = distributions((module or "builtins").partition(".")[0])
        if found is None:
            return False
        for name, version in found:
            self.packages[name] = version
            if version == UNKNOWN and name != "noria":
                self.warnings.add(f"{name} belongs to no installed package: its version is not known")
        return True

    def _part(self, name: str, found: str) -> str:
        """Note a part; two that are called alike (lambdas, wrappers of one decorator) are numbered."""
        free, number = name, 1
        while self.parts.get(free, found) != found:
            number += 1
            free = f"{name}#{number}"
        self.parts[free] = found
        return free

    def _reads_outside(self, name: str, form: Form) -> None:
        used = {one.name for one in form.lookups} | form.attributes
        for one in sorted(used):
            if one in _OUTSIDE or one.startswith(_OUTSIDE_PREFIXES):
                self.warnings.add(f"{name} uses {one}: what it finds is not covered; hand it in as a value or a source")


def _plain(value: Any) -> str:
    if isinstance(value, bytes) and len(value) > _LONG:
        return f"bytes {digest_bytes(value)}"
    told = constant(value)
    return told if len(told) <= _LONG else f"{type(value).__name__} {digest(told)}"


def _inside(value: Any) -> Iterable[Any] | None:
    """What wrappers of the language hold, which cannot be copied or would hide it; None for anything else."""
    if isinstance(value, staticmethod | classmethod | types.MethodType):
        return [value.__func__, getattr(value, "__self__", None)]
    if isinstance(value, property):
        return [value.fget, value.fset, value.fdel]
    if isinstance(value, functools.cached_property):
        return [value.func]
    try:
        wrapped = [found for name in ("__wrapped__", "py_func") if (found := getattr(value, name, None)) is not None]
    except Exception:
        return None
    return wrapped if wrapped and callable(value) else None


def _counts(key: str, value: Any) -> bool:
    """Whether a class attribute says something about the class, or is the interpreter's book-keeping."""
    if isinstance(value, types.FunctionType | staticmethod | classmethod | property):
        return not key.startswith("__annotat")
    if key.startswith("__") and key.endswith("__"):
        return key in _TELLING
    return key != "_abc_impl" and not isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType)


def _module(cls: type) -> str:
    """Where a class was made; one made by Cython may hide it behind an attribute of its objects."""
    module = cls.__module__
    return module if isinstance(module, str) else str(type.__dict__["__module__"].__get__(cls))


def _found(module: str | None, qualname: str) -> Any:
    found: Any = sys.modules.get(module or "")
    for piece in qualname.split("."):
        found = getattr(found, piece, None)
    return found


def _taken(module: types.ModuleType, name: str) -> Any:
    if not hasattr(module, name):  # `from package import module`, not imported yet
        return importlib.import_module(f"{module.__name__}.{name}")
    return getattr(module, name)


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None
