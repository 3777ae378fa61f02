"""Runs in an environment with Great Expectations: the same expectations over the same tables, answers as JSON.

`python expect_with_gx.py QUESTIONS ANSWERS`; questions are {"tables": {name: {column: [dtype, values]}},
"expectations": [...]}, answers {name: [{"success", "unexpected_count", "missing_count", "observed_value", "said"}]}.
"""

import json
import sys
import warnings
from pathlib import Path

import great_expectations as gx
import pandas as pd
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

warnings.simplefilter("ignore")


def frame(columns):
    return pd.DataFrame({name: pd.Series(values, dtype=dtype) for name, (dtype, values) in columns.items()})


def configured(expectations):
    made, wrong = {}, {}
    for place, one in enumerate(expectations):
        try:
            configuration = ExpectationConfiguration(type=one["type"], kwargs=one["kwargs"])
            made[place] = configuration.to_domain_obj()
            made[place].meta = {"place": place}
        except Exception as error:
            wrong[place] = f"{type(error).__name__}: {error}"
    return made, wrong


def plain(value):
    return value if isinstance(value, int | float | str | bool | None) else str(value)


def answer(result):
    found = result.get("result", {})
    said = ""
    info = result.get("exception_info", {})
    for one in [info, *(value for value in info.values() if isinstance(value, dict))]:
        said = said or (one.get("exception_message") or "" if one.get("raised_exception") else "")
    return {
        "success": bool(result["success"]),
        "unexpected_count": plain(found.get("unexpected_count")),
        "missing_count": plain(found.get("missing_count")),
        "element_count": plain(found.get("element_count")),
        "observed_value": plain(found.get("observed_value")),
        "said": said,
    }


def main(questions, answers):
    asked = json.loads(Path(questions).read_text())
    context = gx.get_context(mode="ephemeral")
    source = context.data_sources.add_pandas("pandas")
    told = {}
    for name, columns in asked["tables"].items():
        batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
        made, wrong = configured(asked["expectations"])
        suite = gx.ExpectationSuite(name=name, expectations=list(made.values()))
        found = batch.get_batch({"dataframe": frame(columns)}).validate(suite).to_json_dict()
        answered = {one["expectation_config"]["meta"]["place"]: answer(one) for one in found["results"]}
        said = {place: {"success": False, "unexpected_count": None, "said": text} for place, text in wrong.items()}
        told[name] = [{**answered, **said}[place] for place in range(len(asked["expectations"]))]
    Path(answers).write_text(json.dumps(told))
    sys.exit(0)


main(sys.argv[1], sys.argv[2])
