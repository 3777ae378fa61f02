"""How a graph answers: it reads a row, has its members asked, and makes one answer of theirs."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from noria.core.errors import BadInput
from noria.serving.graphs.model import GraphSpec, StepSpec, combined
from noria.serving.inputs import Inputs, finite
from noria.serving.lineup import Lineup, Loaded

Row = Mapping[str, Any]
Both = tuple[Inputs, float, Inputs | None, float | None]
Score = Callable[[Lineup, Sequence[Row], int, int], Awaitable[list[Both]]]
"""Has a lineup answer rows asked at a moment, with a priority."""


class GraphFunctionFailed(BadInput):
    """A function before or after a graph raised, or gave something that is no row, or no number."""

    code = "N6092"


@dataclass(frozen=True)
class Graph:
    """A graph with the lineups of its members, all of one board: a swap of a member makes another graph."""

    spec: GraphSpec
    members: Mapping[str, Lineup]
    before: Callable[..., Any] | None = field(default=None, compare=False)
    after: Callable[..., Any] | None = field(default=None, compare=False)

    @property
    def able(self) -> bool:
        """Whether every member will answer."""
        return all(lineup.champion.able for lineup in self.members.values())

    @cached_property
    def _columns(self) -> dict[str, list[str]]:
        return {
            name: [column.name for column in lineup.champion.package.inputs.request]
            for name, lineup in self.members.items()
        }

    async def answer(self, loaded: Loaded, rows: Sequence[Row], now: int, priority: int, score: Score) -> list[Both]:
        """The answers to rows. Raises BadRequestRow, GraphFunctionFailed, BadAnswer, and what the members raise.

        What a graph saw, in place of features, is each member's answer, under its name, and the version that gave it,
        under `NAME.version`.
        """
        requests = [loaded.vectorizer.read(row, now) for row in rows]
        given = [self._prepared(row) for row in requests]
        seen: list[dict[str, Any]] = [{} for _ in rows]
        ask = _Asking(self, now, priority, score)
        if self.spec.kind == "sequence":
            answers: list[float] = []
            for step in self.spec.steps:
                answers = await ask.about(step, given, seen)
                given = [{**row, step.column: answer} for row, answer in zip(given, answers, strict=True)]
        else:
            each = await ask.all_about(given, seen)
            answers = [combined(self.spec, one) for one in zip(*each, strict=True)]
        ended = (self._finished(answer, row) for answer, row in zip(answers, requests, strict=True))
        return [
            (Inputs(request, features), finite(loaded, answer), None, None)
            for request, features, answer in zip(requests, seen, ended, strict=True)
        ]

    def _prepared(self, row: dict[str, Any]) -> Row:
        if self.before is None:
            return row
        try:
            made = self.before(dict(row))
        except Exception as error:
            raise self._failed("before", error) from error
        if not isinstance(made, Mapping):
            raise self._failed("before", TypeError(f"it gave {type(made).__name__}, no row"))
        return made

    def _finished(self, answer: float, row: Row) -> float:
        if self.after is None:
            return answer
        try:
            given = (answer, dict(row))[: len(inspect.signature(self.after).parameters)]
            return float(self.after(*given))
        except Exception as error:
            raise self._failed("after", error) from error

    def _failed(self, place: str, error: Exception) -> GraphFunctionFailed:
        name = self.spec.before if place == "before" else self.spec.after
        return GraphFunctionFailed(
            f"{name}, {place} the graph {self.spec.name!r}, failed: {type(error).__name__}: {str(error)[:200]}",
            hint="mend the row, or the function",
        )


@dataclass(frozen=True)
class _Asking:
    """One request's questions to the members."""

    graph: Graph
    now: int
    priority: int
    score: Score

    async def all_about(self, rows: Sequence[Row], seen: Sequence[dict[str, Any]]) -> list[list[float]]:
        """The answers of every step, asked at the same time; who cannot answer ends them all."""
        notes: list[list[dict[str, Any]]] = [[{} for _ in rows] for _ in self.graph.spec.steps]
        tasks = [
            asyncio.ensure_future(self.about(step, rows, note))
            for step, note in zip(self.graph.spec.steps, notes, strict=True)
        ]
        try:
            each = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        for note in notes:  # in the order of the steps, whoever was first
            for one, more in zip(seen, note, strict=True):
                one.update(more)
        return each

    async def about(self, step: StepSpec, rows: Sequence[Row], seen: Sequence[dict[str, Any]]) -> list[float]:
        """One member's answers, by the version that its routing has for each row. What took part is noted in `seen`."""
        lineup = self.graph.members[step.name]
        if lineup.routing.mode != "split":  # in a shadow, nobody would compare the two
            lineup = Lineup(lineup.routing, lineup.champion)
        columns = self.graph._columns[step.name]
        asked = [{name: row[name] for name in columns if name in row} for row in rows]
        scored = await self.score(lineup, asked, self.now, self.priority)
        answers = []
        for one, (inputs, output, other_inputs, other) in zip(seen, scored, strict=True):
            version = lineup.champion
            if other is not None and other_inputs is not None and lineup.challenger is not None:
                key = str(inputs.request[version.package.inputs.key])
                if lineup.arm(key) == "challenger":
                    version, output = lineup.challenger, other
            one[step.name], one[f"{step.name}.version"] = output, version.number
            if version.graph is not None:
                one.update({f"{step.name}.{name}": value for name, value in inputs.features.items()})
            answers.append(output)
        return answers
