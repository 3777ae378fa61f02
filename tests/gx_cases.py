"""What both engines are asked: tables with everything that tables have, and expectations of every kind."""

from __future__ import annotations

from typing import Any

import pandas as pd

NAN, INF = float("nan"), float("inf")
Columns = dict[str, tuple[str, list[Any]]]

KINDS = {
    "id": "int64", "age": "float64", "score": "float64", "name": "str", "email": "str", "day": "str", "doc": "str",
    "joined": "datetime64[us]", "active": "bool", "a": "float64", "b": "float64", "low": "int64", "high": "int64",
    "word": "str", "same": "str",
}  # fmt: skip

ROWS = [
    # id age score name email day doc joined active a b low high word same
    (1, 20.0, 1.5, "ann", "ann@x.org", "2024-01-01", "{}", "2024-01-01", True, 1.0, 1.0, 1, 2, "u", "u"),
    (2, NAN, INF, "bob", "bob@y.com", "2024-02-30", "[1, 2]", "2024-01-02", False, 2.0, 3.0, 2, 2, "v", "v"),
    (3, 40.0, -INF, None, None, None, None, None, True, NAN, 1.0, 3, 1, None, "x"),
    (4, 40.0, 2.5, "ann", "ann at x", "yesterday", "{oops", "2024-01-02", True, NAN, NAN, 4, 9, None, None),
    (5, 61.0, NAN, "cyd", "", "01/02/2024", '"text"', "2024-03-01", False, 5.0, 5.0, 5, 5, "w", "x"),
    (5, -3.0, 0.0, "ann", "d@d.d", "2024-12-31", "null", "2024-02-01", True, 9.0, 2.0, 6, 7, "u", "u"),
    (7, 1e9, 1e-9, "Über", "e@e.ee", "2024-05-05T10:00", "NaN", "2024-02-01", False, 0.0, -0.0, 7, 7, "", ""),
]


def columns(rows: list[tuple[Any, ...]]) -> Columns:
    cells = list(zip(*rows, strict=True)) or [()] * len(KINDS)
    return {name: (kind, list(values)) for (name, kind), values in zip(KINDS.items(), cells, strict=True)}


def _calm(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """A hundred plain rows: nothing missing, nothing infinite."""
    return [
        (n, float(n % 50), n / 10, "abc"[n % 3], f"{n}@x.org", "2024-01-01", "{}", f"2024-01-{n % 28 + 1:02}",
         n % 2 == 0, float(n), float(n), n, n + 1, "abc"[n % 3], "abc"[n % 3])
        for n in range(100)
    ]  # fmt: skip


NOTHING = (0, NAN, NAN, None, None, None, None, None, True, NAN, NAN, 0, 0, None, None)
TABLES: dict[str, Columns] = {
    "wild": columns(ROWS),
    "empty": columns([]),
    "one": columns(ROWS[:1]),
    "nothing": columns([NOTHING, NOTHING]),
    "calm": columns(_calm(ROWS)),
}


def frame(table: Columns) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(values, dtype=dtype) for name, (dtype, values) in table.items()})


def e(kind: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": f"expect_{kind}", "kwargs": kwargs}


WHEN = {"type": "comparison", "column": {"name": "id"}, "operator": ">", "parameter": 2}
BOTH = {"type": "and", "conditions": [WHEN, {"type": "nullity", "column": {"name": "name"}, "is_null": False}]}
NOT_40 = {"type": "comparison", "column": {"name": "age"}, "operator": "!=", "parameter": 40}
IN = {"type": "comparison", "column": {"name": "name"}, "operator": "IN", "parameter": ["ann", "bob"]}
EITHER = {"type": "or", "conditions": [IN, NOT_40]}
HALVES = {"values": ["ann", "bob", "cyd"], "weights": [0.5, 0.3, 0.2]}
BINS = {"bins": [-10, 0, 30, 50], "weights": [0.2, 0.4, 0.4]}

EXPECTATIONS: list[dict[str, Any]] = [
    *[e("column_values_to_not_be_null", column=one) for one in ("id", "age", "name", "joined", "score", "active")],
    e("column_values_to_not_be_null", column="age", mostly=0.8),
    e("column_values_to_not_be_null", column="age", mostly=6 / 7),
    e("column_values_to_not_be_null", column="name", row_condition=WHEN),
    e("column_values_to_not_be_null", column="nope"),
    *[e("column_values_to_be_null", column=one) for one in ("id", "age", "name")],
    e("column_values_to_be_null", column="name", mostly=0.1),
    e("column_proportion_of_non_null_values_to_be_between", column="name", min_value=0.5, max_value=0.9),
    e("column_proportion_of_non_null_values_to_be_between", column="name", min_value=0.9),
    *[e("column_values_to_be_unique", column=one) for one in KINDS],
    e("column_values_to_be_unique", column="id", mostly=0.7),
    e("column_values_to_be_unique", column="id", row_condition=WHEN),
    e("column_values_to_be_between", column="age", min_value=0, max_value=100),
    e("column_values_to_be_between", column="age", min_value=20, max_value=40, strict_min=True),
    e("column_values_to_be_between", column="age", min_value=20, max_value=40, strict_max=True),
    e("column_values_to_be_between", column="age", min_value=20, max_value=40, strict_max=True, strict_min=True),
    e("column_values_to_be_between", column="age", min_value=20),
    e("column_values_to_be_between", column="age", max_value=40, mostly=0.6),
    e("column_values_to_be_between", column="age", min_value=0, row_condition=BOTH),
    e("column_values_to_be_between", column="age", min_value=0, row_condition=EITHER),
    e("column_values_to_be_between", column="age", min_value=0, row_condition=NOT_40),
    e("column_values_to_be_between", column="score", min_value=-INF, max_value=INF),
    e("column_values_to_be_between", column="score", min_value=0, max_value=10),
    e("column_values_to_be_between", column="score", max_value=INF, strict_max=True),
    e("column_values_to_be_between", column="name", min_value="a", max_value="b"),
    e("column_values_to_be_between", column="name", min_value=1, max_value=2),
    e("column_values_to_be_between", column="age", min_value="1", max_value="2"),
    e("column_values_to_be_between", column="age"),
    e("column_values_to_be_between", column="age", min_value=9, max_value=1),
    e("column_values_to_be_between", column="joined", min_value="2024-01-02", max_value="2024-02-01"),
    e("column_values_to_be_between", column="joined", min_value="2024-01-02T00:00:00", strict_min=True),
    e("column_values_to_be_between", column="id", min_value=1.5, max_value=6.5),
    e("column_values_to_be_in_set", column="name", value_set=["ann", "bob"]),
    e("column_values_to_be_in_set", column="name", value_set=["ann", "bob"], mostly=0.5),
    e("column_values_to_be_in_set", column="name", value_set=[1, 2]),
    e("column_values_to_be_in_set", column="id", value_set=[1, 2, 3, 4.0, 5]),
    e("column_values_to_be_in_set", column="id", value_set=["1", "2"]),
    e("column_values_to_be_in_set", column="age", value_set=[20, 40.0, None]),
    e("column_values_to_be_in_set", column="active", value_set=[True]),
    e("column_values_to_be_in_set", column="score", value_set=[INF, 1.5]),
    e("column_values_to_not_be_in_set", column="name", value_set=["ann"]),
    e("column_values_to_not_be_in_set", column="id", value_set=[5, 77]),
    e("column_values_to_not_be_in_set", column="joined", value_set=["2024-01-02"]),
    e("column_values_to_not_be_in_set", column="age", value_set=[None, 40]),
    e("column_values_to_match_regex", column="email", regex=r"^[^@]+@[^@]+\.[a-z]+$"),
    e("column_values_to_match_regex", column="email", regex="@", mostly=0.5),
    e("column_values_to_match_regex", column="id", regex=r"^\d+$"),
    e("column_values_to_match_regex", column="age", regex=r"\.0$"),
    e("column_values_to_match_regex", column="name", regex="(an"),
    e("column_values_to_not_match_regex", column="email", regex=" "),
    e("column_values_to_not_match_regex", column="name", regex="^a.*n$"),
    e("column_values_to_match_regex_list", column="email", regex_list=["org$", "com$"], match_on="any"),
    e("column_values_to_match_regex_list", column="email", regex_list=["@", "org$"], match_on="all"),
    e("column_values_to_not_match_regex_list", column="email", regex_list=[" ", "^$"]),
    e("column_value_lengths_to_equal", column="name", value=3),
    e("column_value_lengths_to_equal", column="id", value=1),
    e("column_value_lengths_to_be_between", column="name", min_value=3, max_value=3),
    e("column_value_lengths_to_be_between", column="name", min_value=3, strict_min=True),
    e("column_value_lengths_to_be_between", column="email", max_value=8),
    *[e("column_values_to_be_increasing", column=one) for one in ("id", "low", "age", "joined", "score")],
    *[e("column_values_to_be_increasing", column=one, strictly=True) for one in ("id", "low", "age", "joined")],
    *[e("column_values_to_be_decreasing", column=one) for one in ("id", "age", "joined")],
    e("column_values_to_be_decreasing", column="age", strictly=True, mostly=0.5),
    e("column_values_to_be_increasing", column="age", row_condition=WHEN),
    e("column_values_to_match_strftime_format", column="day", strftime_format="%Y-%m-%d"),
    e("column_values_to_match_strftime_format", column="day", strftime_format="%Y-%m-%d", mostly=0.3),
    e("column_values_to_match_strftime_format", column="id", strftime_format="%Y"),
    e("column_values_to_be_dateutil_parseable", column="day"),
    e("column_values_to_be_dateutil_parseable", column="id"),
    e("column_values_to_be_json_parseable", column="doc"),
    e("column_value_z_scores_to_be_less_than", column="id", threshold=1.0, double_sided=True),
    e("column_value_z_scores_to_be_less_than", column="id", threshold=0.5, double_sided=False),
    e("column_value_z_scores_to_be_less_than", column="age", threshold=2, double_sided=True),
    e("column_value_z_scores_to_be_less_than", column="score", threshold=2, double_sided=True),
    e("column_values_to_not_be_outliers", column="age"),
    e("column_values_to_not_be_outliers", column="id", method="iqr", multiplier=0.5),
    e("column_values_to_not_be_outliers", column="id", method="std", multiplier=1.0),
    e("column_values_to_not_be_outliers", column="age", method="std", multiplier=1.0),
    *[e("column_values_to_be_of_type", column=c, type_=t) for c, t in
      [("id", "int64"), ("id", "int"), ("id", "float64"), ("age", "float64"), ("age", "float"), ("name", "str"),
       ("active", "bool"), ("joined", "datetime64"), ("id", "str")]],
    e("column_values_to_be_in_type_list", column="id", type_list=["int64", "float64"]),
    e("column_values_to_be_in_type_list", column="age", type_list=["int64", "bool"]),
    e("column_type_to_be", column="id", type_="int64"),
    e("column_type_to_be", column="id", type_="float64"),
    e("column_type_to_be", column="name", type_="str"),
    e("column_type_to_be", column="joined", type_="datetime64[us]"),
    *[e(f"column_{figure}_to_be_between", column=column, min_value=low, max_value=high)
      for figure, column, low, high in
      [("min", "id", 1, 1), ("min", "age", -3, -3), ("min", "score", 0, 5), ("min", "name", "A", "z"),
       ("max", "id", 1, 5),
       ("max", "age", 0, None), ("max", "score", None, 10), ("max", "joined", "2024-01-01", "2024-12-31"),
       ("mean", "id", 3, 4), ("mean", "age", 0, 50), ("mean", "score", 0, 1), ("median", "id", 4, 4),
       ("median", "age", 40, 40), ("sum", "id", 27, 27), ("sum", "age", 0, 5), ("sum", "score", 0, 1),
       ("stdev", "id", 1, 3), ("stdev", "age", 0, 10), ("stdev", "score", 0, 10),
       ("unique_value_count", "id", 6, 6), ("unique_value_count", "name", 4, 10),
       ("proportion_of_unique_values", "id", 0.8, 0.9), ("proportion_of_unique_values", "name", 1, 1)]],
    e("column_min_to_be_between", column="id", min_value=1, strict_min=True),
    e("column_max_to_be_between", column="id", max_value=7, strict_max=True),
    e("column_mean_to_be_between", column="id", min_value=1, row_condition=WHEN),
    e("column_quantile_values_to_be_between", column="id",
      quantile_ranges={"quantiles": [0, 0.25, 0.5, 1], "value_ranges": [[1, 1], [2, 3], [4, 4], [None, 7]]}),
    e("column_quantile_values_to_be_between", column="age",
      quantile_ranges={"quantiles": [0.1, 0.9], "value_ranges": [[0, 10], [None, 70]]}),
    e("column_quantile_values_to_be_between", column="age", allow_relative_error="linear",
      quantile_ranges={"quantiles": [0.3], "value_ranges": [[29, 31]]}),
    e("column_most_common_value_to_be_in_set", column="name", value_set=["ann", "zoe"]),
    e("column_most_common_value_to_be_in_set", column="joined", value_set=["2024-01-02"], ties_okay=True),
    e("column_most_common_value_to_be_in_set", column="id", value_set=[5]),
    e("column_most_common_value_to_be_in_set", column="word", value_set=["u", "v"], ties_okay=True),
    e("column_most_common_value_to_be_in_set", column="low", value_set=[1], ties_okay=True),
    e("column_most_common_value_to_be_in_set", column="low", value_set=[1]),
    e("column_distinct_values_to_be_in_set", column="name", value_set=["ann", "bob", "cyd"]),
    e("column_distinct_values_to_be_in_set", column="id", value_set=[1, 2, 3, 4, 5, 6, 7]),
    e("column_distinct_values_to_contain_set", column="name", value_set=["ann", "zoe"]),
    e("column_distinct_values_to_contain_set", column="id", value_set=[1, 7]),
    e("column_distinct_values_to_equal_set", column="name", value_set=["ann", "bob", "cyd", "Über"]),
    e("column_distinct_values_to_equal_set", column="id", value_set=[1, 2]),
    e("column_kl_divergence_to_be_less_than", column="name", partition_object=HALVES, threshold=0.1),
    e("column_kl_divergence_to_be_less_than", column="name", partition_object=HALVES, threshold=0.5,
      tail_weight_holdout=0.1),
    e("column_kl_divergence_to_be_less_than", column="age", partition_object=BINS, threshold=1),
    e("column_kl_divergence_to_be_less_than", column="age", partition_object=BINS, threshold=0.6,
      tail_weight_holdout=0.4),
    e("column_pair_values_to_be_equal", column_A="a", column_B="b"),
    e("column_pair_values_to_be_equal", column_A="a", column_B="b", ignore_row_if="either_value_is_missing"),
    e("column_pair_values_to_be_equal", column_A="a", column_B="b", ignore_row_if="neither"),
    e("column_pair_values_to_be_equal", column_A="a", column_B="b", mostly=0.4),
    e("column_pair_values_to_be_equal", column_A="word", column_B="same", ignore_row_if="either_value_is_missing"),
    e("column_pair_values_to_be_equal", column_A="a", column_B="nope"),
    e("column_pair_values_a_to_be_greater_than_b", column_A="high", column_B="low"),
    e("column_pair_values_a_to_be_greater_than_b", column_A="high", column_B="low", or_equal=True),
    e("column_pair_values_a_to_be_greater_than_b", column_A="a", column_B="b", or_equal=True),
    e("column_pair_values_to_be_in_set", column_A="low", column_B="high", value_pairs_set=[(1, 2), (2, 2), (5, 5)]),
    e("column_pair_values_to_be_in_set", column_A="word", column_B="same", value_pairs_set=[("u", "u"), (None, "x")]),
    e("compound_columns_to_be_unique", column_list=["id", "name"]),
    e("compound_columns_to_be_unique", column_list=["word", "same"]),
    e("compound_columns_to_be_unique", column_list=["word", "same"], ignore_row_if="any_value_is_missing"),
    e("compound_columns_to_be_unique", column_list=["word", "same"], ignore_row_if="never"),
    e("compound_columns_to_be_unique", column_list=["id", "low"]),
    e("select_column_values_to_be_unique_within_record", column_list=["low", "high"]),
    e("select_column_values_to_be_unique_within_record", column_list=["a", "b"]),
    e("select_column_values_to_be_unique_within_record", column_list=["a", "b"], ignore_row_if="never"),
    e("multicolumn_sum_to_equal", column_list=["low", "high"], sum_total=3),
    e("multicolumn_sum_to_equal", column_list=["a", "b"], sum_total=2),
    e("multicolumn_sum_to_equal", column_list=["a", "b"], sum_total=2, ignore_row_if="any_value_is_missing",
      mostly=0.2),
    e("multicolumn_values_to_be_equal", column_list=["a", "b"]),
    e("multicolumn_values_to_be_equal", column_list=["a", "b"], ignore_row_if="never"),
    e("multicolumn_values_to_be_equal", column_list=["word", "same"]),
    e("column_to_exist", column="id"),
    e("column_to_exist", column="id", column_index=0),
    e("column_to_exist", column="age", column_index=0),
    e("column_to_exist", column="nope"),
    e("table_column_count_to_equal", value=15),
    e("table_column_count_to_be_between", min_value=1, max_value=14),
    e("table_column_count_to_be_between", min_value=15),
    e("table_row_count_to_equal", value=7),
    e("table_row_count_to_be_between", min_value=1, max_value=10),
    e("table_row_count_to_be_between", max_value=1, strict_max=True),
    e("table_columns_to_match_ordered_list", column_list=list(KINDS)),
    e("table_columns_to_match_ordered_list", column_list=["id"]),
    e("table_columns_to_match_set", column_set=sorted(KINDS)),
    e("table_columns_to_match_set", column_set=["id", "age"], exact_match=False),
    e("table_columns_to_match_set", column_set=["id", "age"]),
    e("table_columns_to_match_set", column_set=["id", "nope"], exact_match=False),
]  # fmt: skip

SQL_KINDS = ("id", "name", "email", "low", "high")
SQL_TABLES: dict[str, Columns] = {
    name: {column: TABLES[name][column] for column in SQL_KINDS} for name in ("wild", "calm", "empty")
}

SQL_EXPECTATIONS: list[dict[str, Any]] = [
    e("column_values_to_match_like_pattern", column="email", like_pattern="%@%"),
    e("column_values_to_match_like_pattern", column="name", like_pattern="_n_", mostly=0.4),
    e("column_values_to_not_match_like_pattern", column="email", like_pattern="% %"),
    e("column_values_to_not_match_like_pattern", column="name", like_pattern="a%"),
    e("column_values_to_match_like_pattern_list", column="email", like_pattern_list=["%.org", "%.com"]),
    e("column_values_to_match_like_pattern_list", column="email", like_pattern_list=["%@%", "%.org"], match_on="all"),
    e("column_values_to_not_match_like_pattern_list", column="email", like_pattern_list=["% %", "%.com"]),
    e("table_row_count_to_equal_other_table", other_table_name="wild"),
    e("table_row_count_to_equal_other_table", other_table_name="empty"),
    {"type": "unexpected_rows_expectation",
     "kwargs": {"unexpected_rows_query": "SELECT * FROM {batch} WHERE high < low"}},
    {"type": "unexpected_rows_expectation",
     "kwargs": {"unexpected_rows_query": "SELECT id FROM {batch} GROUP BY id HAVING count(*) > 1;"}},
    e("column_values_to_not_be_null", column="name"),
    e("column_values_to_be_unique", column="id"),
    e("column_values_to_be_between", column="low", min_value=2, max_value=6, mostly=0.5),
]  # fmt: skip
