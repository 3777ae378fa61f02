"""How requests are read: lenient where the protocol is, and clear where something cannot be right."""

import json

import pytest

from noria.server.mlflow.faults import Refused
from noria.server.mlflow.logged import LogBatch, LogMetric
from noria.server.mlflow.runs import Search, Update
from noria.server.mlflow.wire import decode, decode_query

POINT = {"run_id": "r", "key": "k", "value": 1.5, "timestamp": 7}


def log_metric(**fields):
    return decode(LogMetric, json.dumps(POINT | fields).encode())


def test_fields_that_nobody_knows_are_passed_over():
    assert log_metric(colour="red", nested={"a": [1]}).key == "k"


@pytest.mark.parametrize(("sent", "read"), [("7", 7), (7.0, 7), (-1, -1), (2**63 - 1, 2**63 - 1), (str(2**60), 2**60)])
def test_integers_may_be_texts(sent, read):
    assert log_metric(step=sent).step == read


@pytest.mark.parametrize("sent", [1.5, "x", "", 2**63, -(2**63) - 1, True, [1], {}, "99999999999999999999"])
def test_what_is_no_64_bit_integer_is_refused(sent):
    with pytest.raises(Refused, match="for parameter 'step' supplied:  Hint: Value was of type"):
        log_metric(step=sent)


@pytest.mark.parametrize(
    ("sent", "read"),
    [('"NaN"', "nan"), ("NaN", "nan"), ('"Infinity"', "inf"), ("-Infinity", "-inf"), ('"1e3"', "1000.0")],
)
def test_numbers_may_be_texts_and_nan_may_be_bare(sent, read):
    body = f'{{"run_id": "r", "key": "k", "timestamp": 7, "value": {sent}}}'
    assert str(decode(LogMetric, body.encode()).value) == read


def test_null_counts_as_not_given():
    assert log_metric(step=None, model_id=None).step == 0
    with pytest.raises(Refused, match="Missing value for required parameter 'value'"):
        log_metric(value=None)


def test_json_that_was_encoded_twice_is_decoded_twice():
    assert decode(LogMetric, json.dumps(json.dumps(POINT)).encode()).value == 1.5


def test_the_old_name_of_a_runs_id_is_understood():
    assert decode(LogMetric, json.dumps({**POINT, "run_id": "", "run_uuid": "old"}).encode()).run_id == "old"


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"a":', b"nonsense", b'"x"', b"[" * 100_000])
def test_what_is_no_json_is_told_so(body):
    with pytest.raises(Refused, match="body is no JSON"):
        decode(LogMetric, body)


@pytest.mark.parametrize(("body", "kind"), [(b"[1]", "list"), (b"7", "int"), (b"true", "bool")])
def test_json_that_is_no_object_is_told_so(body, kind):
    with pytest.raises(Refused, match=f"must be a JSON object, not of type '{kind}'"):
        decode(LogMetric, body)


def test_of_several_faults_the_first_in_the_order_of_the_fields_is_told():
    with pytest.raises(Refused, match="Missing value for required parameter 'run_id'"):
        decode(LogMetric, b'{"step": "x"}')
    with pytest.raises(Refused, match="Invalid value 31 for parameter 'run_id' supplied"):
        decode(LogMetric, b'{"run_id": 31}')


def test_a_fault_deep_inside_says_where():
    body = {"run_id": "r", "metrics": [{"key": "a", "value": 1, "timestamp": 1}, {"key": 5}]}
    with pytest.raises(Refused, match=r"Invalid value 5 for parameter 'metrics\[1\].key' supplied"):
        decode(LogBatch, json.dumps(body).encode())


def test_query_parameters_may_repeat_where_a_field_holds_several():
    asked = decode_query(Search, b"experiment_ids=1&experiment_ids=2&max_results=5&max_results=6&filter=a%20%3D%201")
    assert (asked.experiment_ids, asked.max_results, asked.filter) == (["1", "2"], 5, "a = 1")


def test_a_query_of_one_gives_a_list_of_one():
    assert decode_query(Search, b"experiment_ids=1").experiment_ids == ["1"]


def test_a_query_with_very_many_fields_is_refused():
    with pytest.raises(Refused, match="The query cannot be read"):
        decode_query(Search, b"&".join(b"a=1" for _ in range(5_000)))


def test_parts_of_the_path_become_fields():
    assert decode(Update, b'{"run_id": "from the body"}', {"run_id": "from the path"}).run_id == "from the path"
