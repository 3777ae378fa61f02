"""Registered models, their tags and aliases over the protocol."""

import pytest


def make(door, name="flights", **more):
    return door.post("registered-models/create", name=name, **more)["registered_model"]


def get(door, name="flights"):
    return door.get("registered-models/get", name=name)["registered_model"]


def version(door, name="flights", **more):
    return door.post("model-versions/create", name=name, source="s3://bucket/model", **more)["model_version"]["version"]


def test_a_model_is_shown_as_it_was_made(door):
    made = make(door, description="late?", tags=[{"key": "team", "value": "ops"}])
    assert made | {"creation_timestamp": 0, "last_updated_timestamp": 0} == {
        "name": "flights", "creation_timestamp": 0, "last_updated_timestamp": 0, "description": "late?",
        "tags": [{"key": "team", "value": "ops"}],
    }  # fmt: skip
    assert get(door) == made


def test_a_name_is_given_once_and_prompts_are_told_apart(door):
    make(door)
    said = door.refused("POST", "registered-models/create", 400, "RESOURCE_ALREADY_EXISTS", name="flights")
    assert said == "Registered Model (name=flights) already exists."
    prompt = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    said = door.refused("POST", "registered-models/create", 400, "RESOURCE_ALREADY_EXISTS", name="flights", tags=prompt)
    assert said.startswith(
        "Tried to create a prompt with name 'flights', but the name is already taken by a registered model."
    )


def test_a_model_is_described_renamed_and_deleted(door):
    make(door)
    assert (
        door.send("PATCH", "registered-models/update", name="flights", description="x")["registered_model"][
            "description"
        ]
        == "x"
    )
    version(door)
    make(door, "other")
    said = door.refused(
        "POST", "registered-models/rename", 400, "RESOURCE_ALREADY_EXISTS", name="flights", new_name="other"
    )
    assert said == "Registered Model (name=other) already exists."
    renamed = door.post("registered-models/rename", name="flights", new_name="trains")["registered_model"]
    assert [one["name"] for one in renamed["latest_versions"]] == ["trains"]
    assert door.send("DELETE", "registered-models/delete", name="trains") == {}
    assert door.refused("GET", "registered-models/get", 404, "RESOURCE_DOES_NOT_EXIST", {"name": "trains"}) == (
        "Registered Model with name=trains not found"
    )


@pytest.mark.parametrize("name", ["a/b", "a:b", "..", ".", "", " ", "\0", "x" * 257, 5, None, "\ud800"])
def test_what_is_no_name_is_refused(door, name):
    door.invalid("registered-models/create", name=name)
    assert door.get("registered-models/search") == {}


@pytest.mark.parametrize("name", ["x" * 256, "größe", "a b", "a.b", "%2e%2e", "'; DROP TABLE versions; --", "🚀"])
def test_every_name_that_can_be_one_is_kept(door, name):
    make(door, name)
    assert get(door, name)["name"] == name


def test_tags_are_set_replaced_and_taken_away(door):
    make(door)
    for value in ("1", "2", "2"):
        door.post("registered-models/set-tag", name="flights", key="k", value=value)
    assert get(door)["tags"] == [{"key": "k", "value": "2"}]
    for _ in range(2):
        door.send("DELETE", "registered-models/delete-tag", name="flights", key="k")
    assert "tags" not in get(door)
    door.refused("POST", "registered-models/set-tag", 404, "RESOURCE_DOES_NOT_EXIST", name="other", key="k", value="1")


@pytest.mark.parametrize(("key", "value", "taken"), [(250, 100_000, True), (251, 1, False), (1, 100_001, False)])
def test_tags_have_limits(door, key, value, taken):
    make(door)
    body = {"name": "flights", "key": "k" * key, "value": "v" * value}
    if taken:
        door.post("registered-models/set-tag", **body)
    else:
        assert "exceeds the maximum length of" in door.invalid("registered-models/set-tag", **body)


def test_an_alias_moves_and_is_taken_away(door):
    make(door)
    first, second = version(door), version(door)
    for number in (first, second, second):
        assert door.post("registered-models/alias", name="flights", alias="champion", version=number) == {}
    assert get(door)["aliases"] == [{"alias": "champion", "version": "2"}]
    found = door.get("registered-models/alias", name="flights", alias="champion")["model_version"]
    assert (found["version"], found["aliases"]) == ("2", ["champion"])
    assert door.get("registered-models/alias", name="flights", alias="latest")["model_version"]["version"] == "2"
    for _ in range(2):
        assert door.send("DELETE", "registered-models/alias", name="flights", alias="champion") == {}
    query = {"name": "flights", "alias": "champion"}
    assert door.refused("GET", "registered-models/alias", 400, "INVALID_PARAMETER_VALUE", query) == (
        "Registered model alias champion not found."
    )


@pytest.mark.parametrize(("alias", "why"), [
    ("latest", "'latest' alias name (case insensitive) is reserved."), ("LATEST", "'latest' alias name (case insensitive) is reserved."),
    ("v1", "Version alias name 'v1' is reserved."), ("V99", "Version alias name 'V99' is reserved."),
    ("a b", "Invalid alias name: 'a b'. Names may only contain alphanumerics, underscores (_), and dashes (-)."),
    ("../x", "Invalid alias name: '../x'. Names may only contain"), ("a\n", "Invalid alias name"), ("x" * 256, "exceeds the maximum length of 255"),
    ("", "Missing value for required parameter 'alias'."), (5, "Invalid value 5 for parameter 'alias' supplied"),
])  # fmt: skip
def test_what_is_no_alias_is_refused(door, alias, why):
    make(door)
    version(door)
    assert why in door.invalid("registered-models/alias", name="flights", alias=alias, version="1")


@pytest.mark.parametrize("alias", ["x" * 255, "v", "1", "v1a", "größe", "-_-"])
def test_every_alias_that_can_be_one_is_kept(door, alias):
    make(door)
    version(door)
    door.post("registered-models/alias", name="flights", alias=alias, version="1")
    assert door.get("registered-models/alias", name="flights", alias=alias)["model_version"]["version"] == "1"


@pytest.mark.parametrize(
    ("number", "status"), [("2", 404), ("0", 404), ("-1", 404), ("9" * 30, 404), ("x", 400), ("1.0", 400), ("\0", 400)]
)
def test_an_alias_cannot_point_at_nothing(door, number, status):
    make(door)
    version(door)
    code = "RESOURCE_DOES_NOT_EXIST" if status == 404 else "INVALID_PARAMETER_VALUE"
    door.refused("POST", "registered-models/alias", status, code, name="flights", alias="a", version=number)


def test_search_finds_orders_and_pages(door):
    for number in range(5):
        make(door, f"m{number}", tags=[{"key": "odd", "value": str(number % 2)}])
    names, token = [], ""
    while token is not None:
        page = door.get(
            "registered-models/search", filter="tags.odd = '0'", order_by="name DESC", max_results=2, page_token=token
        )
        names += [one["name"] for one in page["registered_models"]]
        token = page.get("next_page_token")
    assert names == ["m4", "m2", "m0"]


@pytest.mark.parametrize("query", [{"max_results": 1001}, {"max_results": 0}, {"max_results": "x"}, {"filter": "a ~ b"}, {"order_by": "nothing"},
                                   {"page_token": "x"}])  # fmt: skip
def test_a_search_that_cannot_be_right_is_refused(door, query):
    door.refused("GET", "registered-models/search", 400, "INVALID_PARAMETER_VALUE", query)
    door.get("registered-models/search", max_results=1000)


def test_the_newest_version_of_each_stage(door):
    make(door)
    for _ in range(3):
        version(door)
    door.post("model-versions/transition-stage", name="flights", version="2", stage="Production")
    every = door.get("registered-models/get-latest-versions", name="flights")["model_versions"]
    assert {(one["version"], one["current_stage"]) for one in every} == {("3", "None"), ("2", "Production")}
    some = door.post("registered-models/get-latest-versions", name="flights", stages=["production"])["model_versions"]
    assert [one["version"] for one in some] == ["2"]
    query = {"name": "flights", "stages": ["Prod"]}
    assert door.refused("GET", "registered-models/get-latest-versions", 400, "INVALID_PARAMETER_VALUE", query) == (
        "Invalid Model Version stage: Prod. Value must be one of None, Staging, Production, Archived."
    )


def test_prompts_are_registered_models_that_only_those_find_who_ask_for_them(door):
    tag = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    make(door, "greeting", tags=tag)
    make(door)
    door.post(
        "model-versions/create",
        name="greeting",
        source="dummy-source",
        tags=[*tag, {"key": "mlflow.prompt.text", "value": "Hi {{x}}"}],
    )

    def names(**query):
        return [one["name"] for one in door.get("registered-models/search", **query)["registered_models"]]

    assert names() == ["flights"]
    assert names(filter="tags.`mlflow.prompt.is_prompt` = 'true'") == ["greeting"]
