"""A graph is a model of its own to whoever asks, and its answers are what its members would have said."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import graph_airline
import many_airlines
import pytest
from graph_airline import COST, LATE, MODELS, priced
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_airline import flight

from noria.core.errors import BadInput
from noria.serving.graphs.board import Graphs
from noria.serving.graphs.model import COMBINES, GraphSpec, StepSpec, combined
from noria.serving.log import LogReader, log_path
from noria.serving.model import LoadRules, LogRules, Routing, ServedModel
from noria.serving.operations import set_routing


def ensemble(name: str, *members: str, weights: tuple[float, ...] = (), **more: Any) -> GraphSpec:
    weighed = weights or (1.0,) * len(members)
    steps = tuple(StepSpec(one, one, weight) for one, weight in zip(members, weighed, strict=True))
    return GraphSpec(name, "ensemble", steps, **more)


def costly(name: str, first: str, **more: Any) -> GraphSpec:
    """What the lateness that `first` expects will cost."""
    return GraphSpec(name, "sequence", (StepSpec(first, "chance"), StepSpec(COST, COST)), **more)


def ask(call, model: str, row: dict, status: int = 200) -> float:
    told = call.json("POST", f"/predict?model={model}", row, status=status)
    return told["predictions"][0]["output"] if status == 200 else told


def only(row: dict, model: str) -> dict:
    return {name: row[name] for name in row if name in {column.name for column in MODELS[model].inputs.request}}


def said(call, spec: GraphSpec, specs: dict[str, GraphSpec], row: dict) -> float:
    """What a graph ought to answer, in plain Python, its members asked one by one."""

    def of(name: str, row: dict) -> float:
        return said(call, specs[name], specs, row) if name in specs else ask(call, name, only(row, name))

    asked = graph_airline.FUNCTIONS[spec.before](row) if spec.before else row
    if spec.kind == "sequence":
        for step in spec.steps:
            answer = of(step.name, asked)
            asked = {**asked, step.column: answer}
    else:
        answers = [of(step.name, asked) for step in spec.steps]
        weights = [Fraction(step.weight) for step in spec.steps]
        if spec.combine in ("max", "min"):
            answer = sorted(answers)[-1 if spec.combine == "max" else 0]
        elif spec.combine == "vote":
            yes = sum(weight for weight, one in zip(weights, answers, strict=True) if one >= spec.threshold)
            answer = float(yes > sum(weights) - yes)
        else:
            even = weights if spec.combine == "weighted" else [Fraction(1)] * len(answers)
            answer = float(sum(w * Fraction(a) for w, a in zip(even, answers, strict=True)) / sum(even))
    if spec.after:
        function = graph_airline.FUNCTIONS[spec.after]
        answer = function(answer, row) if "mile" in spec.after else function(answer)
    return answer


@st.composite
def graphs(draw: st.DrawFn) -> list[GraphSpec]:
    """Ensembles of the models of lateness and of each other, the cost of one of them at the end."""
    made: list[GraphSpec] = []
    for number in range(draw(st.integers(1, 3))):
        known = [*LATE, *(one.name for one in made)]
        members = draw(st.lists(st.sampled_from(known), min_size=2, max_size=4, unique=True))
        weights = draw(st.lists(st.floats(0.01, 100), min_size=len(members), max_size=len(members)))
        combine = draw(st.sampled_from(COMBINES))
        made.append(
            ensemble(
                f"e{number}", *members, weights=tuple(weights) if combine in ("weighted", "vote") else (),
                combine=combine, threshold=draw(st.floats(0, 1)),
                before=draw(st.sampled_from(["", "graph_airline:shouted"])),
            )
        )  # fmt: skip
    if draw(st.booleans()):
        after = ["", "graph_airline:rounded", "graph_airline:at_least_a_cent_a_mile"]
        made.append(costly("costs", made[-1].name, after=draw(st.sampled_from(after))))
    return made


def test_graphs_answer_what_plain_python_would_make_of_their_members(open_graphs) -> None:
    call = open_graphs()

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(graphs(), st.integers(0, 500))
    def check(specs: list[GraphSpec], number: int) -> None:
        call.plane._graphs = Graphs(specs, graph_airline.FUNCTIONS)
        call.plane.refresh()
        spec = specs[-1]
        row = priced(number) if spec.kind == "sequence" else flight(number)
        expected = said(call, spec, {one.name: one for one in specs}, row)
        assert ask(call, spec.name, row) == pytest.approx(expected, rel=1e-9, abs=1e-12)

    check()


@given(
    st.sampled_from(COMBINES), st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0.001, 1e3)), min_size=2, max_size=8)
)
def test_combining_stays_between_the_least_and_the_largest(combine: str, members: list[tuple[float, float]]) -> None:
    spec = ensemble("e", *map(str, range(len(members))), weights=tuple(w for _, w in members), combine=combine)
    answers = [answer for answer, _ in members]
    found = combined(spec, answers)
    if combine == "vote":
        assert found in (0.0, 1.0)
    else:
        slack = 1e-9 * (1 + max(map(abs, answers)))
        assert min(answers) - slack <= found <= max(answers) + slack


def test_a_graph_is_a_model_of_its_own_in_every_contract(open_graphs) -> None:
    call = open_graphs(ensemble("both", "early", "tardy"), costly("expense", "both"))
    row = priced(3)
    told = call.json("GET", "/v2/models/expense")
    assert (told["versions"], told["platform"]) == (["1"], "noria_graph")
    assert [one["name"] for one in told["inputs"]] == [
        "flight_id", "origin", "dest", "carrier", "tailnum", "departs", "distance", "seats", "asked_at",
    ]  # fmt: skip
    assert told["outputs"][0]["name"] == "euros"
    assert call.json("GET", "/v2/models/both")["outputs"][0]["name"] == "late"
    one = ask(call, "expense", row)
    plain = {name: value for name, value in row.items() if name not in ("asked_at", "tailnum")}
    kinds = {str: "BYTES", float: "FP64", int: "INT64"}
    tensors = [
        {"name": name, "datatype": kinds[type(value)], "shape": [1], "data": [value]} for name, value in plain.items()
    ]
    assert call.json("POST", "/v2/models/expense/infer", {"inputs": tensors})["outputs"][0]["data"] == [one]
    assert call.json("POST", "/v2/models/expense/versions/1/infer", {"inputs": tensors})["outputs"][0]["data"] == [one]
    assert call.json("POST", "/v1/models/expense:predict", {"instances": [plain]})["predictions"] == [one]
    assert call.json("POST", "/invocations?model=expense", {"dataframe_records": [plain]})["predictions"] == [one]
    assert call.json("POST", "/predictions/expense", plain) == one
    assert {"both", "expense"} <= {one["name"] for one in call.json("POST", "/v2/repository/index", {"ready": True})}
    assert call.json("GET", "/v2/models/expense/ready")["ready"]
    assert call.json("GET", "/")["examples"]["expense"] and call.json("GET", "/openapi.json")
    assert call.json("POST", "/v2/repository/models/expense/unload", status=403)["code"] == "N6072"
    (explained,) = call.json("POST", "/predict?model=both&explain=true", flight())["predictions"]
    assert explained["explanation"] is None


def test_the_log_tells_the_graph_and_the_versions_that_took_part(open_graphs) -> None:
    call = open_graphs(ensemble("both", "early", "tardy"), costly("expense", "both"))
    many_airlines.add_version_of(call.plane._ws, "tardy", 1)
    call.plane.refresh()
    answers = call.json("POST", "/predict?model=expense", {"rows": [priced(1), priced(2)]})["predictions"]
    records, _ = LogReader(log_path(call.plane._ws)).predictions()
    assert [(one.model, one.version, one.output) for one in records] == [("expense", 1, a["output"]) for a in answers]
    assert set(records[0].features) == {
        "both", "both.version", "both.early", "both.early.version", "both.tardy", "both.tardy.version", "cost",
        "cost.version",
    }  # fmt: skip
    assert (records[0].features["both.tardy.version"], records[0].features["both.early.version"]) == (2, 1)
    assert records[0].features["both"] == pytest.approx(
        (records[0].features["both.early"] + records[0].features["both.tardy"]) / 2
    )
    assert records[0].request["seats"] == 101 and "chance" not in records[0].request
    assert ask(call, "expense", priced(9, prediction_id="again")) == ask(
        call, "expense", priced(1, prediction_id="again")
    )
    assert call.json("POST", "/predict?model=both", flight(9, prediction_id="again"), status=409)["code"] == "N6011"


def test_a_column_that_a_member_does_not_log_is_not_in_the_graphs_log_either(open_graphs) -> None:
    quiet = ServedModel(MODELS["tardy"].inputs, log=LogRules(redact=("origin",), hashed=("carrier",), key="flight_id"))
    call = open_graphs(ensemble("both", "early", "tardy"), models={**MODELS, "tardy": quiet})
    ask(call, "both", flight())
    (record,), _ = LogReader(log_path(call.plane._ws)).predictions()
    assert "origin" not in record.request and "carrier" not in record.request and "dest" in record.request


def test_a_swap_of_a_member_is_seen_at_once(open_graphs) -> None:
    call = open_graphs(ensemble("both", "early", "tardy", combine="max"))
    for number in range(20):
        before = ask(call, "both", flight(number))
        assert before == max(ask(call, "early", flight(number)), ask(call, "tardy", flight(number)))
    board = call.plane.board
    call.plane.refresh()
    assert call.plane.board is board  # nothing has changed: the same graph
    many_airlines.add_version_of(call.plane._ws, "tardy", 1)
    call.plane.refresh()
    assert ask(call, "middling", flight(5)) == ask(call, "tardy", flight(5))
    assert ask(call, "both", flight(5)) == max(ask(call, "early", flight(5)), ask(call, "middling", flight(5)))


def test_a_members_canary_takes_its_share_within_a_graph(open_graphs) -> None:
    call = open_graphs(ensemble("both", "early", "tardy"))
    ws = call.plane._ws
    many_airlines.add_version_of(ws, "tardy", 1)
    with ws.database.transaction() as connection:
        set_routing(ws, connection, Routing("tardy", 1, 2, "split", 0.5, "salt", "r1"))
    call.plane.refresh()
    rows = [flight(number) for number in range(40)]
    call.json("POST", "/predict?model=both", {"rows": rows})
    alone = call.json("POST", "/predict?model=tardy", {"rows": rows})["predictions"]
    records, _ = LogReader(log_path(ws)).predictions()
    took = [one.features["tardy.version"] for one in records if one.model == "both"]
    assert took == [one["version"] for one in alone] and set(took) == {1, 2}


def test_a_graph_of_models_on_demand_brings_them_into_memory(open_graphs) -> None:
    models = {name: ServedModel(served.inputs, load=LoadRules(on_demand=True)) for name, served in MODELS.items()}
    call = open_graphs(ensemble("both", *LATE), costly("expense", "both"), models=models, memory=10_000_000)
    assert call.plane.seats.present == []
    assert ask(call, "expense", priced()) > 0
    assert sorted(call.plane.seats.present) == ["cost/1", "early/1", "middling/1", "tardy/1"]
    call.plane.unload("early")
    assert call.json("POST", "/v2/repository/models/both/load") == {} and "early/1" in call.plane.seats.present


def test_what_goes_wrong_is_told_as_the_contract_tells_it(open_graphs) -> None:
    call = open_graphs(
        ensemble("both", "early", "tardy"), costly("expense", "both"),
        ensemble("b", "early", "tardy", before="graph_airline:broken"),
        ensemble("l", "early", "tardy", before="graph_airline:listing"),
        ensemble("n", "early", "tardy", after="graph_airline:nobody"),
        ensemble("missing", "early", "tardy", after="graph_airline:gone"),
    )  # fmt: skip
    assert "seats: is missing" in ask(call, "expense", flight(), 400)["error"]
    assert "nobody reads this" in ask(call, "both", priced(), 400)["error"]
    told = ask(call, "b", flight(), 400)
    assert (
        told["code"] == "N6092" and "graph_airline:broken, before the graph 'b', failed: LookupError" in told["error"]
    )
    assert "gave list, no row" in ask(call, "l", flight(), 400)["error"]
    assert ask(call, "n", flight(), 500)["code"] == "N6009"
    assert "there is no graph_airline:gone" in ask(call, "missing", flight(), 503)["error"]
    assert call.json("POST", "/v2/models/b/infer", {"inputs": []}, status=400)["error"]
    assert call.json("POST", "/predict?model=both", {"rows": []}) == {"predictions": []}


def test_a_graph_waits_for_its_members(open_graphs) -> None:
    call = open_graphs(
        ensemble("both", "early", "later"), models={**MODELS, "later": ServedModel(MODELS["early"].inputs)}
    )
    told = ask(call, "both", flight(), 503)
    assert told["code"] == "N6005" and "its member 'later' has none" in told["error"]
    many_airlines.add_version_of(call.plane._ws, "later", 2)
    call.plane.refresh()
    assert 0 <= ask(call, "both", flight()) <= 1


def test_answers_are_logged_before_they_are_told(open_graphs) -> None:
    call = open_graphs(ensemble("both", "early", "tardy"))
    told = call.json("POST", "/predict?model=both", flight(prediction_id="p1"))
    assert json.dumps(told) and math.isfinite(told["predictions"][0]["output"]) and "p1" in call.plane.log
    feedback = call.json("POST", "/feedback", {"prediction_id": "p1", "label": 1}, status=200)
    assert feedback


def test_rules_that_make_no_sense_are_refused() -> None:
    with pytest.raises(BadInput, match="idle is seconds"):
        LoadRules(idle=5)
