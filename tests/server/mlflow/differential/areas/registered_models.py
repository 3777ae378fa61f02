"""Registered models: made, found, described, renamed, tagged, searched, deleted."""

API = "/api/2.0/mlflow/registered-models"
FILTERS = [
    "name = 'find-1'", "name != 'find-1'", "name LIKE 'find-%'", "name ILIKE 'FIND-%'", "name LIKE 'FIND-%'", "name IN ('find-1', 'find-2')", "name NOT IN ('find-1')", "name > 'a'",
    "tags.team = 'ops'", "tags.team != 'ops'", "tag.team = 'ops'", "tags.team LIKE 'o%'", "tags.team ILIKE 'O%'", "tags.`team` = 'ops'", "tags.team IS NULL", "tags.team IN ('ops')",
    "tags.team = 'ops' AND name LIKE '%3'", "tags.team = 'ops' AND tags.n = '1'", "attribute.name = 'find-1'", "name = 'find-1' OR name = 'find-2'", "nothing = 'x'", "name", "name = find-1",
    "tags.`mlflow.prompt.is_prompt` != 'true'", "tags.`mlflow.prompt.is_prompt` = 'true'", "metrics.a > 1", "run_id = 'x'", "timestamp > 5", "(name = 'find-1')", "name = 'it''s'", "name LIKE '%'",
]  # fmt: skip
ORDERS = [
    ["name"], ["name DESC"], ["name asc"], ["timestamp"], ["timestamp DESC"], ["last_updated_timestamp", "name"], ["last_updated_timestamp DESC"],
    ["creation_timestamp"], ["tags.team"], ["name", "name"], ["name SIDEWAYS"], [""], ["nothing"], ["name, timestamp"], ["`name`"],
]  # fmt: skip


def calls(rec):
    c = rec.client
    rec.call("create", c.create_registered_model, "plain")
    rec.call("create with all", c.create_registered_model, "full", {"team": "ops", "n": "5"}, "what it is\nand more")
    rec.call("create twice", c.create_registered_model, "plain")
    for name in ("", " ", "a/b", "a:b", "a.b", "数据", "n" * 256, "n" * 257, "..", "%2e%2e", "a\x00b", "x" * 1000):
        rec.call(f"create named {name[:20]!r} of {len(name)}", lambda name=name: c.create_registered_model(name).name)
    rec.rest("create raw without a name", "POST", f"{API}/create", json={})
    rec.rest("create raw with null", "POST", f"{API}/create", json={"name": None})
    rec.rest("create raw with a number", "POST", f"{API}/create", json={"name": 5})
    rec.rest(
        "create raw",
        "POST",
        f"{API}/create",
        json={"name": "raw", "description": "d", "tags": [{"key": "a", "value": "b"}]},
    )
    rec.rest(
        "create raw with a tag twice",
        "POST",
        f"{API}/create",
        json={"name": "twice", "tags": [{"key": "a", "value": "b"}, {"key": "a", "value": "c"}]},
    )
    rec.rest(
        "create raw with a long tag",
        "POST",
        f"{API}/create",
        json={"name": "longtag", "tags": [{"key": "a", "value": "b" * 100_001}]},
    )
    rec.call("get", c.get_registered_model, "full")
    rec.rest("get raw", "GET", f"{API}/get", params={"name": "full"})
    rec.call("get one that is not there", c.get_registered_model, "nobody")
    rec.rest("get raw without a name", "GET", f"{API}/get")
    rec.rest("get raw by POST", "POST", f"{API}/get", json={"name": "full"})
    rec.call("describe", c.update_registered_model, "plain", "now described")
    rec.call("describe with nothing", c.update_registered_model, "plain", "")
    rec.call("describe with None", c.update_registered_model, "plain", None)
    rec.call("describe nobody", c.update_registered_model, "nobody", "x")
    rec.call("described", lambda: c.get_registered_model("plain").description)
    rec.call("rename", c.rename_registered_model, "plain", "plainer")
    rec.call("the old name", c.get_registered_model, "plain")
    rec.call("rename to a name taken", c.rename_registered_model, "plainer", "full")
    rec.call("rename nobody", c.rename_registered_model, "nobody", "x")
    rec.call("rename to nothing", c.rename_registered_model, "plainer", " ")
    rec.rest("rename raw without a new name", "POST", f"{API}/rename", json={"name": "plainer"})
    rec.call("tag", c.set_registered_model_tag, "full", "team", "ml")
    rec.call("tag with a number", c.set_registered_model_tag, "full", "n", 7)
    rec.call("tag without a name", c.set_registered_model_tag, "full", "", "x")
    rec.call("tag with a bad name", c.set_registered_model_tag, "full", "a$", "x")
    rec.call("tag of 250", c.set_registered_model_tag, "full", "k" * 250, "x")
    rec.call("tag of 251", c.set_registered_model_tag, "full", "k" * 251, "x")
    rec.call("tag of 100000", c.set_registered_model_tag, "full", "long", "x" * 100_000)
    rec.call("tag of 100001", c.set_registered_model_tag, "full", "longer", "x" * 100_001)
    rec.call("tag nobody", c.set_registered_model_tag, "nobody", "a", "b")
    rec.call("delete a tag", c.delete_registered_model_tag, "full", "n")
    rec.call("delete a tag twice", c.delete_registered_model_tag, "full", "n")
    rec.call("delete a tag of nobody", c.delete_registered_model_tag, "nobody", "n")
    rec.call("its tags", lambda: {k[:9]: len(v) for k, v in c.get_registered_model("full").tags.items()})
    rec.rest("delete a tag raw without a key", "DELETE", f"{API}/delete-tag", json={"name": "full"})
    rec.call("delete", c.delete_registered_model, "plainer")
    rec.call("delete twice", c.delete_registered_model, "plainer")
    rec.rest("delete raw without a name", "DELETE", f"{API}/delete", json={})
    rec.rest("delete raw by parameters", "DELETE", f"{API}/delete", params={"name": "raw"})
    _search(rec, c)


def _search(rec, c):
    for n in range(6):
        c.create_registered_model(f"find-{n}", {"team": "ops" if n % 2 else "ml", "n": str(n)})
    c.update_registered_model("find-2", "newest")
    found = lambda **values: [one.name for one in c.search_registered_models(**values) if one.name.startswith("find")]  # noqa: E731
    for text in FILTERS:
        rec.call(f"filter {text!r}", found, filter_string=text)
    for order in ORDERS:
        rec.call(f"order {order}", found, order_by=order)
    first = rec.call("first page", c.search_registered_models, "name LIKE 'find-%'", 4)
    rec.call("second page", c.search_registered_models, "name LIKE 'find-%'", 4, page_token=first.token)
    rec.call("wrong token", c.search_registered_models, page_token="wrong")
    for most in (0, -1, 1000, 1001):
        rec.rest(
            f"raw at most {most}", "GET", f"{API}/search", params={"max_results": most, "filter": "name = 'find-1'"}
        )
    rec.rest(
        "raw",
        "GET",
        f"{API}/search",
        params={"filter": "name LIKE 'find-%'", "order_by": ["timestamp DESC", "name"], "max_results": 2},
    )
    rec.rest("raw with letters", "GET", f"{API}/search", params={"max_results": "x"})
    rec.rest(
        "raw at the page's door",
        "GET",
        "/ajax-api/2.0/mlflow/registered-models/search",
        params={"filter": "name = 'find-1'"},
    )
