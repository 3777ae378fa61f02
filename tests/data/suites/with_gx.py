"""Runs in an environment with Great Expectations.

`judge QUESTIONS ANSWERS`: the same expectations over the same tables, answers as JSON. Questions are {engine: {"tables":
{name: {column: [dtype, values]}}, "expectations": [...]}} of the engines "pandas" and "sqlite"; answers {engine: {name:
[{"success", "unexpected_count", "missing_count", "element_count", "observed_value", "said"}]}}.

`read FOLDER`: loads the suites `*.suite.json` and results `*.result.json` there, and writes each suite as it writes
one itself to `*.theirs.json`.
"""

import json
import sys
import warnings
from pathlib import Path

import great_expectations as gx
import pandas as pd
from great_expectations.core.expectation_suite import expectationSuiteSchema
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResultSchema
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
    kept = ("unexpected_count", "missing_count", "element_count", "observed_value")
    return {"success": bool(result["success"]), "said": said, **{key: plain(found.get(key)) for key in kept}}


def batches(context, engine, asked, folder):
    if engine == "sqlite":
        import sqlalchemy as sa

        url = f"sqlite:///{folder}/tables.db"
        source = context.data_sources.add_sqlite("sqlite", connection_string=url)
        for name, columns in asked["tables"].items():
            frame(columns).to_sql(name, sa.create_engine(url), index=False)
        for name in asked["tables"]:
            asset = source.add_table_asset(name, table_name=name)
            yield name, asset.add_batch_definition_whole_table("all").get_batch()
        return
    source = context.data_sources.add_pandas("pandas")
    for name, columns in asked["tables"].items():
        batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
        yield name, batch.get_batch({"dataframe": frame(columns)})


def judge(questions, answers):
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    told = {}
    for engine, asked in json.loads(Path(questions).read_text()).items():
        told[engine] = {}
        for name, batch in batches(context, engine, asked, Path(answers).parent):
            told[engine][name] = answers_of(name, batch, asked["expectations"])
    Path(answers).write_text(json.dumps(told))


def answers_of(name, batch, expectations):
    made, wrong = configured(expectations)
    suite = gx.ExpectationSuite(name=name, expectations=list(made.values()))
    found = batch.validate(suite, result_format="BASIC").to_json_dict()
    answered = {one["expectation_config"]["meta"]["place"]: answer(one) for one in found["results"]}
    said = {place: {"success": False, "unexpected_count": None, "said": text} for place, text in wrong.items()}
    return [{**answered, **said}[place] for place in range(len(expectations))]


def read(folder):
    for path in sorted(Path(folder).glob("*.suite.json")):
        loaded = gx.ExpectationSuite(**expectationSuiteSchema.loads(path.read_text()))
        written = json.dumps(loaded.to_json_dict(), indent=2)
        path.with_name(path.name.replace(".suite.", ".theirs.")).write_text(written)
    for path in sorted(Path(folder).glob("*.result.json")):
        loaded = ExpectationSuiteValidationResultSchema().loads(path.read_text())
        assert len(loaded["results"]) == len(json.loads(path.read_text())["results"])
        print(path.name, loaded["success"], len(loaded["results"]))


{"judge": judge, "read": read}[sys.argv[1]](*sys.argv[2:])
