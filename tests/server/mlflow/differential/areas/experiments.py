"""Experiments: made, found, renamed, deleted, restored, tagged, searched."""

from mlflow.entities import ViewType


def calls(rec):
    c = rec.client
    made = rec.call("create", c.create_experiment, "exp-a")
    tagged = rec.call("create with tags", c.create_experiment, "exp-b", tags={"team": "ops", "kind": "x y"})
    placed = rec.call(
        "create with a place", c.create_experiment, "exp-c", artifact_location="mlflow-artifacts:/elsewhere"
    )
    rec.call("create with the same name", c.create_experiment, "exp-a")
    rec.call("create with an empty name", c.create_experiment, "")
    rec.call("create with a name of None", c.create_experiment, None)
    rec.call("create with 500 letters", c.create_experiment, "n" * 500)
    rec.call("create with 501 letters", c.create_experiment, "n" * 501)
    rec.call("create with unicode", c.create_experiment, "Ünï/cødé 数据 🚀")
    rec.call("create with a tag too long", c.create_experiment, "exp-long", tags={"t": "v" * 5001})
    rec.call("create with a tag name too long", c.create_experiment, "exp-longer", tags={"t" * 251: "v"})
    post = "/api/2.0/mlflow/experiments"
    rec.rest("create raw", "POST", f"{post}/create", json={"name": "exp-raw", "tags": [{"key": "a", "value": "1"}]})
    rec.rest("create raw without a name", "POST", f"{post}/create", json={})
    rec.rest("create raw with a number", "POST", f"{post}/create", json={"name": 5})
    rec.rest("create raw with a list", "POST", f"{post}/create", json={"name": ["x"]})
    rec.rest("create raw with a bad tag", "POST", f"{post}/create", json={"name": "exp-bad", "tags": [{"value": "1"}]})
    rec.rest("create raw with tags that are text", "POST", f"{post}/create", json={"name": "exp-bad", "tags": "a"})
    rec.call("get", c.get_experiment, made)
    rec.call("get with tags", c.get_experiment, tagged)
    rec.call("get with a place", c.get_experiment, placed)
    rec.call("get the default", c.get_experiment, "0")
    rec.call("get one that is not there", c.get_experiment, "987654")
    rec.call("get by letters", c.get_experiment, "abc")
    rec.rest("get raw", "GET", f"{post}/get", params={"experiment_id": made})
    rec.rest("get raw without an id", "GET", f"{post}/get")
    rec.rest("get raw with an empty id", "GET", f"{post}/get", params={"experiment_id": ""})
    rec.call("by name", c.get_experiment_by_name, "exp-b")
    rec.call("by a name that is not there", c.get_experiment_by_name, "exp-nowhere")
    rec.rest("by name raw", "GET", f"{post}/get-by-name", params={"experiment_name": "exp-b"})
    rec.rest("by name raw, not there", "GET", f"{post}/get-by-name", params={"experiment_name": "exp-nowhere"})
    rec.rest("by name raw, none", "GET", f"{post}/get-by-name")
    rec.call("rename", c.rename_experiment, made, "exp-a2")
    rec.call("rename to a name that is taken", c.rename_experiment, made, "exp-b")
    rec.call("rename one that is not there", c.rename_experiment, "987654", "x")
    rec.call("rename to its own name", c.rename_experiment, made, "exp-a2")
    rec.call("set a tag", c.set_experiment_tag, made, "team", "ml")
    rec.call("set the tag again", c.set_experiment_tag, made, "team", "ml2")
    rec.call("set a tag to a number", c.set_experiment_tag, made, "number", 5)
    rec.call("set a tag with a bad name", c.set_experiment_tag, made, "a:/b", "1")
    rec.call("set a tag of 5000 letters", c.set_experiment_tag, made, "long", "v" * 5000)
    rec.call("set a tag of 5001 letters", c.set_experiment_tag, made, "long", "v" * 5001)
    rec.call("set a tag without a name", c.set_experiment_tag, made, "", "v")
    rec.call("set a tag of nobody", c.set_experiment_tag, "987654", "a", "b")
    rec.call("get after tags", lambda: c.get_experiment(made).tags["team"])
    rec.call("delete a tag", c.delete_experiment_tag, made, "number")
    rec.call("delete a tag twice", c.delete_experiment_tag, made, "number")
    rec.call("tags left", lambda: sorted(c.get_experiment(made).tags))
    _end(rec, c, made, post)
    _search(rec, c)


def _end(rec, c, made, post):
    run = c.create_run(made, start_time=1_700_000_000_000, run_name="inside").info.run_id
    rec.call("delete", c.delete_experiment, made)
    rec.call("get a deleted one", lambda: c.get_experiment(made).lifecycle_stage)
    rec.call("its run", lambda: c.get_run(run).info.lifecycle_stage)
    rec.call("delete twice", c.delete_experiment, made)
    rec.call("rename a deleted one", c.rename_experiment, made, "exp-a3")
    rec.call("tag a deleted one", c.set_experiment_tag, made, "a", "b")
    rec.call("run in a deleted one", c.create_run, made)
    rec.call("create with the name of a deleted one", c.create_experiment, "exp-a2")
    rec.call("a deleted one by name", lambda: c.get_experiment_by_name("exp-a2").lifecycle_stage)
    rec.call("restore", c.restore_experiment, made)
    rec.call("restore twice", c.restore_experiment, made)
    rec.call("its run again", lambda: c.get_run(run).info.lifecycle_stage)
    rec.call("delete one that is not there", c.delete_experiment, "987654")
    rec.call("restore one that is not there", c.restore_experiment, "987654")
    rec.rest("delete raw without an id", "POST", f"{post}/delete", json={})
    rec.rest("restore raw without an id", "POST", f"{post}/restore", json={})
    rec.rest("update raw without a name", "POST", f"{post}/update", json={"experiment_id": made})
    rec.rest("update raw without an id", "POST", f"{post}/update", json={"new_name": "x"})


def _search(rec, c):
    for number in range(6):
        c.create_experiment(f"Find-{number}", tags={"team": "ops" if number % 2 else "ml", "n": str(number)})
    gone = c.create_experiment("Find-gone")
    c.delete_experiment(gone)
    names = lambda **values: [one.name for one in c.search_experiments(**values) if one.name.startswith("Find")]  # noqa: E731
    filters = [
        "name = 'Find-3'", "name != 'Find-3'", "name LIKE 'Find-%'", "name ILIKE 'find-%'", "name LIKE 'find-%'",
        "tags.team = 'ops'", "tags.team != 'ops'", "tag.team = 'ops'", "tags.`team` = 'ml'", "tags.team LIKE 'o%'",
        "tags.team ILIKE 'O%'", "tags.team = 'ops' AND name LIKE '%3'", "attribute.name = 'Find-1'", "attributes.name = 'Find-1'",
        "tags.n IS NULL AND name LIKE 'Find%'", "tags.n IS NOT NULL", "creation_time > 1700000000000", "last_update_time < 1700000000000",
        "experiment_id = 1", "experiment_id = '1'", "experiment_id IN (1, 2)", "experiment_id IN ('1', '2')", "experiment_id NOT IN (0)",
        "experiment_id > 1", "name > 'a'", "name IN ('a')", "nothing = 'x'", "tags.team", "name = Find-3", "name = 'Find-1' OR name = 'Find-2'",
        "(name = 'Find-1')", "name = \"Find-1\"", "", "  ", "name =", "= 'x'", "metrics.a > 1", "creation_time = 'x'", "tags.team > 'a'",
        "NAME = 'Find-1'", "name like 'Find-1'", "tags.team is null and name = 'Find-gone'", "name = 'it''s'", "name = '%'",
    ]  # fmt: skip
    for text in filters:
        rec.call(f"search {text!r}", names, filter_string=text)
    orders = [
        ["name"], ["name DESC"], ["name ASC", "creation_time"], ["creation_time DESC"], ["last_update_time"], ["experiment_id DESC"],
        ["attribute.name desc"], ["tags.team"], ["nothing"], ["name SIDEWAYS"], ["name", "name"], [""], ["`name` DESC"],
    ]  # fmt: skip
    for order in orders:
        rec.call(f"search ordered by {order}", names, order_by=order, filter_string="name LIKE 'Find-%'")
    for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL):
        rec.call(f"search {ViewType.to_string(view)}", names, view_type=view, filter_string="name LIKE 'Find-%'")
    page = rec.call(
        "first page", c.search_experiments, filter_string="name LIKE 'Find-%'", max_results=4, order_by=["name"]
    )
    page = rec.call(
        "second page",
        c.search_experiments,
        filter_string="name LIKE 'Find-%'",
        max_results=4,
        order_by=["name"],
        page_token=page.token,
    )
    rec.call("a page of a wrong token", c.search_experiments, max_results=4, page_token="no token")
    for number in (0, -1, 50_000, 50_001):
        rec.call(f"search at most {number}", lambda number=number: len(c.search_experiments(max_results=number)) > 3)
    search = "/api/2.0/mlflow/experiments/search"
    rec.rest(
        "search raw by GET",
        "GET",
        search,
        params={"max_results": 2, "order_by": "name", "filter": "name LIKE 'Find-%'"},
    )
    rec.rest(
        "search raw by POST",
        "POST",
        search,
        json={"max_results": 2, "order_by": ["name"], "filter": "name LIKE 'Find-%'"},
    )
    rec.rest("search raw with text as a number", "POST", search, json={"max_results": "2", "order_by": ["name"]})
    rec.rest("search raw with letters as a number", "POST", search, json={"max_results": "two"})
    rec.rest(
        "search raw without a number",
        "POST",
        search,
        json={"order_by": ["experiment_id"], "filter": "name = 'Default'"},
    )
    rec.rest("search raw with a wrong view", "POST", search, json={"max_results": 2, "view_type": "SOME"})
    rec.rest("search raw with an order that is text", "POST", search, json={"max_results": 2, "order_by": "name"})
