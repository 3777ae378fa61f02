"""What came of a suite, as JSON documents: Great Expectations' validation results, and a short one of our own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from noria.core.clock import Micros, to_datetime
from noria.data.suites.documents import document_of
from noria.data.suites.examples import plain
from noria.data.suites.model import Outcome, Report, Suite, Verdict

_VERSION = "1.24.1"
"""The release of Great Expectations whose form of results is written."""


def validation_result(report: Report, at: Micros) -> dict[str, Any]:
    """The report as Great Expectations writes the result of validating a suite.

    An expectation that was not run has a `success` of null, with the reason as its exception's message, and
    is not counted among the evaluated ones. `at` is the moment of the run.
    """
    ran = [one for one in report.outcomes if one.verdict is not Verdict.NOT_RUN]
    good = len(report.of(Verdict.PASSED))
    documents = _configurations(report.suite)
    return {
        "success": good == len(ran),
        "results": [_result(one, config) for one, config in zip(report.outcomes, documents, strict=True)],
        "suite_name": report.suite.name,
        "suite_parameters": dict(report.suite.parameters),
        "statistics": {
            "evaluated_expectations": len(ran),
            "successful_expectations": good,
            "unsuccessful_expectations": len(ran) - good,
            "success_percent": good / len(ran) * 100 if ran else None,
        },
        "meta": {
            "great_expectations_version": _VERSION,
            "validation_time": to_datetime(at).isoformat(),
            "run_id": {"run_name": None, "run_time": to_datetime(at).isoformat()},
            "active_batch_definition": {"data_asset_name": report.table, "batch_identifiers": {},
                                        "data_connector_name": "noria", "datasource_name": "noria"},
        },
        "id": None,
    }  # fmt: skip


def _configurations(suite: Suite) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = document_of(suite, "1.x")["expectations"]
    return written


def _result(outcome: Outcome, config: Mapping[str, Any]) -> dict[str, Any]:
    not_run = outcome.verdict is Verdict.NOT_RUN
    message = (f"not run: {outcome.reason}" if not_run else outcome.reason) if not_run or outcome.raised else None
    return {
        "success": None if not_run else outcome.verdict is Verdict.PASSED,
        "expectation_config": jsonable(config),
        "result": jsonable(outcome.result),
        "meta": {},
        "exception_info": {"raised_exception": message is not None, "exception_traceback": None,
                           "exception_message": message},
    }  # fmt: skip


def jsonable(value: Any) -> Any:
    """A value that any JSON reader takes: no NaN or infinity as a number."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(one) for one in value]
    if isinstance(value, str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return plain(value)


def summary(report: Report) -> dict[str, Any]:
    """The report as one JSON object of our own: the verdict, counts, and each expectation's outcome."""
    return {
        "suite": report.suite.name,
        "table": report.table,
        "rows": report.rows,
        "verdict": str(report.verdict),
        **{str(verdict).replace(" ", "_"): len(report.of(verdict)) for verdict in Verdict},
        "passes": report.passes,
        "seconds": report.seconds,
        "expectations": [
            {
                "type": one.expectation.type,
                "kwargs": jsonable(one.expectation.kwargs),
                "severity": str(one.expectation.severity),
                "verdict": str(one.verdict),
                "reason": one.reason,
                "result": jsonable(one.result),
            }
            for one in report.outcomes
        ],
    }
