"""dbt's schema files as suites: the tests of its own documentation, dbt_utils and dbt_expectations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from noria.core.clock import SystemClock
from noria.core.errors import NotFound
from noria.data.suites.dialects.dbt import suites_of_yaml
from noria.data.suites.loading import load_suite
from noria.data.suites.model import BadSuite, Severity, Verdict
from noria.data.suites.run import check
from noria.data.suites.table import Table

SHOP = """
version: 2
models:
  - name: orders
    description: "one row an order"
    data_tests:
      - dbt_utils.unique_combination_of_columns:
          arguments:
            combination_of_columns: [order_id, status]
      - dbt_utils.equal_rowcount:
          compare_model: ref('orders_yesterday')
      - dbt_utils.expression_is_true:
          expression: "amount >= discount"
      - our_own_test
    columns:
      - name: order_id
        data_tests:
          - unique
          - not_null:
              config:
                severity: warn
      - name: status
        tests:
          - accepted_values:
              values: ['placed', 'shipped', 'completed', 'returned']
          - dbt_utils.not_empty_string
      - name: customer_id
        tests:
          - relationships:
              arguments:
                to: ref('customers')
                field: id
          - name: customers_of_shipped_orders
            test_name: not_null
            config:
              where: "status = 'shipped'"
      - name: amount
        data_tests:
          - dbt_utils.accepted_range:
              min_value: 0
              inclusive: false
          - dbt_utils.expression_is_true:
              expression: "< 1000"
          - dbt_expectations.expect_column_values_to_be_between:
              min_value: 0
              max_value: 500
          - dbt_utils.not_null_proportion:
              at_least: 0.9
  - name: customers
    columns:
      - name: id
        data_tests: [unique, dbt_utils.not_constant]
sources:
  - name: shop
    tables:
      - name: raw_orders
        columns: [{name: id, tests: [not_null]}]
"""

ORDERS = pd.DataFrame({
    "order_id": [1, 2, 3, 4], "status": ["placed", "shipped", "lost", "shipped"], "customer_id": [1, 2, 3, None],
    "amount": [10.0, 0.0, 700.0, 20.0], "discount": [0.0, 0.0, 0.0, 30.0],
})  # fmt: skip
CUSTOMERS = pd.DataFrame({"id": [1, 2]})


def run(data: pd.DataFrame, **others: pd.DataFrame) -> Any:
    tables = {name: Table(name, data=frame) for name, frame in others.items()}
    return check(suites_of_yaml(SHOP)["orders"], Table("orders", data=data, others=tables), SystemClock())


def test_each_table_of_the_file_has_its_suite() -> None:
    assert {name: len(suite.expectations) for name, suite in suites_of_yaml(SHOP).items()} == {
        "orders": 14, "customers": 2, "raw_orders": 1,
    }  # fmt: skip


def test_what_fails_is_what_dbt_would_fail() -> None:
    report = run(ORDERS, customers=CUSTOMERS, orders_yesterday=ORDERS)
    failed = [(one.expectation.meta["noria"]["dbt_test"], one.result.get("unexpected_count"))
              for one in report.of(Verdict.FAILED)]  # fmt: skip
    assert failed == [
        ("dbt_utils.expression_is_true", None), ("accepted_values", 1), ("relationships", 1), ("not_null", 1),
        ("dbt_utils.accepted_range", 1), ("dbt_expectations.expect_column_values_to_be_between", 1),
    ]  # fmt: skip
    assert [one.expectation.type for one in report.of(Verdict.NOT_RUN)] == ["dbt_our_own_test"]


def test_a_good_table_passes() -> None:
    good = ORDERS[:2].assign(amount=[10.0, 20.0])
    assert run(good, customers=CUSTOMERS, orders_yesterday=good).verdict is Verdict.PASSED


def test_a_relationship_needs_the_other_table() -> None:
    report = run(ORDERS)
    reasons = {one.reason for one in report.of(Verdict.NOT_RUN)}
    assert {"the table 'customers' was not given", "the table 'orders_yesterday' was not given"} <= reasons


def test_a_warning_is_one() -> None:
    suite = suites_of_yaml(SHOP)["orders"]
    assert [one.severity for one in suite.expectations if one.columns == ("order_id",)] == [
        Severity.CRITICAL, Severity.WARNING,
    ]  # fmt: skip


def test_the_model_called_like_the_table_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "schema.yml"
    path.write_text(SHOP)
    assert load_suite(str(path), "data/customers.parquet").name == "customers"
    assert load_suite(f"{path}:raw_orders").name == "raw_orders"
    with pytest.raises(NotFound, match="there are: customers, orders, raw_orders"):
        load_suite(str(path), "trips.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: [", "is not YAML"),
        ("- a\n- b", "no schema file of dbt"),
        ("version: 2", "describes no model"),
        ("a: &a [1]\nb: !!python/object/apply:os.system ['x']", "is not YAML"),
        ("[" * 5000, "is not YAML"),
    ],
)
def test_what_is_no_schema_file_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadSuite, match=said):
        suites_of_yaml(text)


def test_odd_entries_are_kept_and_not_run() -> None:
    suite = suites_of_yaml("models: [{name: m, columns: [{name: c, tests: [5, {}, {x: 1}, null]}, 7], tests: no}]")["m"]
    report = check(suite, Table("m", data=pd.DataFrame({"c": [1]})), SystemClock())
    assert {one.verdict for one in report.outcomes} == {Verdict.NOT_RUN}
