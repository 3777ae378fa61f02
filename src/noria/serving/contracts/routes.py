"""Which handler a path has. A path seen before costs one look into a dictionary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from noria.serving.contracts.model import Contract, Route
from noria.serving.model import UnknownPath, WrongMethod

_MOST_REMEMBERED = 512
_LONGEST_REMEMBERED = 200
Found = tuple[dict[str, Route], Sequence[str], Contract]


class Routes:
    """The routes of several contracts. Where two have the same method and path, the first one's is taken."""

    def __init__(self, contracts: Iterable[Contract]) -> None:
        self.contracts = tuple(contracts)
        self._plain: dict[str, tuple[dict[str, Route], Contract]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Route], Contract]] = []
        self._seen: dict[str, Found] = {}
        self.paths: dict[str, dict[str, Route]] = {}
        for contract in self.contracts:
            for route in contract.routes:
                self._add(contract, route)
        self._patterns.sort(key=lambda one: one[0].groups)  # a path that says more of itself is the one meant

    def find(self, method: str, path: str) -> tuple[Route, Sequence[str]]:
        """The route and what stood in its path. Raises UnknownPath, or WrongMethod naming the right ones."""
        found = self._seen.get(path) or self._look(path)
        if found is None:
            raise UnknownPath("path", path[:200], self.paths)
        methods, arguments, _ = found
        route = methods.get(method)
        if route is None:
            raise WrongMethod(method, path[:200], ", ".join(methods))
        return route, arguments

    def contract(self, path: str) -> Contract | None:
        """Whose words a path is refused in: the contract of its route, else the one under whose root it lies."""
        found = self._seen.get(path) or self._look(path)
        if found is not None:
            return found[2]
        for contract in self.contracts:
            if any(path == root or path.startswith(f"{root}/") for root in contract.roots):
                return contract
        return None

    def predicts(self, path: str) -> bool:
        """Whether a path answers rows."""
        found = self._seen.get(path) or self._look(path)
        return found is not None and any(route.predicts for route in found[0].values())

    def __iter__(self) -> Iterator[tuple[Contract, Route]]:
        for contract in self.contracts:
            for route in contract.routes:
                yield contract, route

    def _add(self, contract: Contract, route: Route) -> None:
        if route.path not in self.paths:
            methods = self.paths[route.path] = {}
            if "{" in route.path:
                self._patterns.append((_pattern(route.path), methods, contract))
            else:
                self._plain[route.path] = (methods, contract)
        self.paths[route.path].setdefault(route.method, route)

    def _look(self, path: str) -> Found | None:
        stripped = path.rstrip("/") or "/"
        found: Found | None = None
        if stripped in self._plain:
            methods, contract = self._plain[stripped]
            found = (methods, (), contract)
        else:
            for pattern, methods, contract in self._patterns:
                if match := pattern.fullmatch(stripped):
                    found = (methods, match.groups(), contract)
                    break
        if found is not None and len(path) <= _LONGEST_REMEMBERED:
            if len(self._seen) >= _MOST_REMEMBERED:  # model names of attackers must not fill the memory
                self._seen.clear()
            self._seen[path] = found
        return found


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{[a-z_]+\}", path)
    return re.compile("([^/:]+)".join(re.escape(part) for part in parts))
