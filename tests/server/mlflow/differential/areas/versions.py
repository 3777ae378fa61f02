"""Model versions: made, described, staged, aliased, copied, searched, deleted."""

API = "/api/2.0/mlflow/model-versions"
MODELS = "/api/2.0/mlflow/registered-models"
START = 1_700_000_000_000
FILTERS = [
    "name = 'ver'", "name = 'nobody'", "name LIKE 've%'", "name ILIKE 'VE%'", "name IN ('ver', 'other')", "name != 'ver'", "version_number = 2", "version_number > 1", "version_number >= 2 AND name = 'ver'",
    "version_number = '2'", "version = 2", "run_id = 'x'", "run_id IN ('x')", "run_id != 'x'", "source_path = 'x'", "source_path LIKE '%models%'", "tags.team = 'ops'", "tags.team != 'ops'", "tags.team IS NULL",
    "name = 'ver' AND tags.team = 'ops'", "name = 'ver' OR name = 'other'", "nothing = 'x'", "name", "", "current_stage = 'Production'", "tags.`mlflow.prompt.is_prompt` != 'true'", "run_id LIKE 'x%'", "name > 'a'",
]  # fmt: skip
ORDERS = [
    ["version_number"],
    ["version_number DESC"],
    ["name DESC", "version_number"],
    ["creation_timestamp DESC"],
    ["last_updated_timestamp"],
    ["run_id"],
    ["nothing"],
    ["version_number", "version_number"],
]


def calls(rec):
    c = rec.client
    exp = c.create_experiment("versions")
    run = c.create_run(exp, start_time=START, run_name="r").info
    model = c.create_logged_model(exp, name="m", source_run_id=run.run_id)
    c.finalize_logged_model(model.model_id, "READY")
    c.create_registered_model("ver", {"a": "b"})
    rec.call(
        "create",
        c.create_model_version,
        "ver",
        f"{run.artifact_uri}/model",
        run.run_id,
        tags={"team": "ops"},
        description="one",
        run_link="http://example.com/1",
    )
    rec.call("create from a model", c.create_model_version, "ver", f"models:/{model.model_id}", model_id=model.model_id)
    rec.call("create from runs", c.create_model_version, "ver", f"runs:/{run.run_id}/model", run.run_id)
    rec.call("create without a run", c.create_model_version, "ver", "mlflow-artifacts:/somewhere/model")
    rec.call("create of nobody", c.create_model_version, "nobody", f"{run.artifact_uri}/model", run.run_id)
    rec.call("create of a run that is not there", c.create_model_version, "ver", "mlflow-artifacts:/x", "f" * 32)
    rec.rest(
        "create raw",
        "POST",
        f"{API}/create",
        json={
            "name": "ver",
            "source": "mlflow-artifacts:/x/y",
            "description": "raw",
            "tags": [{"key": "k", "value": "v"}],
        },
    )
    rec.rest("create raw without a source", "POST", f"{API}/create", json={"name": "ver"})
    rec.rest("create raw without a name", "POST", f"{API}/create", json={"source": "mlflow-artifacts:/x"})
    rec.rest("create raw with a number as source", "POST", f"{API}/create", json={"name": "ver", "source": 5})
    rec.call("get", c.get_model_version, "ver", "1")
    rec.rest("get raw", "GET", f"{API}/get", params={"name": "ver", "version": "1"})
    rec.rest("get raw from a model", "GET", f"{API}/get", params={"name": "ver", "version": "2"})
    for version in ("99", "0", "-1", "x", "1.0", "", "1 "):
        rec.call(f"get version {version!r}", c.get_model_version, "ver", version)
    rec.rest("get raw without a version", "GET", f"{API}/get", params={"name": "ver"})
    rec.call("get of nobody", c.get_model_version, "nobody", "1")
    rec.call("where it is", c.get_model_version_download_uri, "ver", "1")
    rec.call("where one from a model is", c.get_model_version_download_uri, "ver", "2")
    rec.call("where nobody is", c.get_model_version_download_uri, "ver", "99")
    rec.call("describe", c.update_model_version, "ver", "1", "described")
    rec.call("describe nobody", c.update_model_version, "ver", "99", "x")
    rec.call("tag", c.set_model_version_tag, "ver", "1", "n", 5)
    rec.call("tag with a bad name", c.set_model_version_tag, "ver", "1", "a$", 5)
    rec.call("tag with a long value", c.set_model_version_tag, "ver", "1", "long", "v" * 100_001)
    rec.call("tag nobody", c.set_model_version_tag, "ver", "99", "a", "b")
    rec.call("delete a tag", c.delete_model_version_tag, "ver", "1", "n")
    rec.call("delete a tag twice", c.delete_model_version_tag, "ver", "1", "n")
    rec.call("delete a tag of nobody", c.delete_model_version_tag, "ver", "99", "n")
    _stages(rec, c)
    _aliases(rec, c)
    _copies(rec, c)
    _search(rec, c)
    rec.call("rename with versions", c.rename_registered_model, "ver", "version")
    rec.call("a version of the new name", c.get_model_version, "version", "1")
    rec.call("delete a version", c.delete_model_version, "version", "3")
    rec.call("get a deleted version", c.get_model_version, "version", "3")
    rec.call("delete a version twice", c.delete_model_version, "version", "3")
    rec.call("aliases after", lambda: c.get_registered_model("version").aliases)
    rec.call("the number after a deleted one", lambda: c.create_model_version("version", "mlflow-artifacts:/z").version)
    rec.call("delete the newest", c.delete_model_version, "version", "6")
    rec.call(
        "the number after the newest is deleted",
        lambda: c.create_model_version("version", "mlflow-artifacts:/z").version,
    )
    rec.call("delete it all", c.delete_registered_model, "version")
    rec.call("its versions", c.search_model_versions, "name = 'version'")


def _stages(rec, c):
    rec.call("stage", c.transition_model_version_stage, "ver", "1", "Production")
    rec.call("stage in small letters", c.transition_model_version_stage, "ver", "2", "staging")
    rec.call(
        "stage and archive", c.transition_model_version_stage, "ver", "3", "Production", archive_existing_versions=True
    )
    rec.call("the archived", lambda: c.get_model_version("ver", "1").current_stage)
    rec.call(
        "stage and archive to none",
        c.transition_model_version_stage,
        "ver",
        "2",
        "None",
        archive_existing_versions=True,
    )
    rec.call("stage wrongly", c.transition_model_version_stage, "ver", "1", "Happy")
    rec.call("stage nobody", c.transition_model_version_stage, "ver", "99", "Production")
    rec.rest("stage raw without a stage", "POST", f"{API}/transition-stage", json={"name": "ver", "version": "1"})
    rec.rest(
        "stage raw",
        "POST",
        f"{API}/transition-stage",
        json={"name": "ver", "version": "1", "stage": "Archived", "archive_existing_versions": False},
    )
    rec.rest(
        "stage raw with a number as version",
        "POST",
        f"{API}/transition-stage",
        json={"name": "ver", "version": 1, "stage": "Staging"},
    )
    rec.call("latest", lambda: [(v.version, v.current_stage) for v in c.get_latest_versions("ver")])
    rec.call(
        "latest of a stage",
        lambda: [(v.version, v.current_stage) for v in c.get_latest_versions("ver", ["Production"])],
    )
    rec.call(
        "latest of small letters",
        lambda: [(v.version, v.current_stage) for v in c.get_latest_versions("ver", ["production", "none"])],
    )
    rec.call("latest of a wrong stage", c.get_latest_versions, "ver", ["Happy"])
    rec.call("latest of nobody", c.get_latest_versions, "nobody")
    rec.rest(
        "latest raw by GET", "GET", f"{MODELS}/get-latest-versions", params={"name": "ver", "stages": "Production"}
    )
    rec.rest(
        "latest raw by POST", "POST", f"{MODELS}/get-latest-versions", json={"name": "ver", "stages": ["Production"]}
    )
    rec.rest("latest raw without a name", "POST", f"{MODELS}/get-latest-versions", json={})


def _aliases(rec, c):
    rec.call("alias", c.set_registered_model_alias, "ver", "champion", "1")
    rec.call("move the alias", c.set_registered_model_alias, "ver", "champion", "2")
    rec.call("a second alias", c.set_registered_model_alias, "ver", "old", "1")
    rec.call("by alias", c.get_model_version_by_alias, "ver", "champion")
    rec.call("by alias of other letters", c.get_model_version_by_alias, "ver", "CHAMPION")
    rec.call("by an alias that is not there", c.get_model_version_by_alias, "ver", "nobody")
    rec.call("by alias of nobody", c.get_model_version_by_alias, "nobody", "champion")
    for alias in ("", "latest", "Latest", "v1", "V22", "v", "1", "a b", "a/b", "a.b", "größe", "x" * 255, "x" * 256):
        rec.call(f"alias {alias[:9]!r} of {len(alias)}", c.set_registered_model_alias, "ver", alias, "1")
    rec.call("alias nobody", c.set_registered_model_alias, "ver", "a", "99")
    rec.call("alias of nobody", c.set_registered_model_alias, "nobody", "a", "1")
    rec.call(
        "aliases of the model", lambda: {k[:9]: v for k, v in sorted(c.get_registered_model("ver").aliases.items())}
    )
    rec.call("aliases of the version", lambda: sorted(a[:9] for a in c.get_model_version("ver", "1").aliases))
    rec.call("delete an alias", c.delete_registered_model_alias, "ver", "old")
    rec.call("delete an alias twice", c.delete_registered_model_alias, "ver", "old")
    rec.call("delete an alias of nobody", c.delete_registered_model_alias, "nobody", "old")
    rec.rest("alias raw without a version", "POST", f"{MODELS}/alias", json={"name": "ver", "alias": "a"})
    rec.rest("alias raw with a number", "POST", f"{MODELS}/alias", json={"name": "ver", "alias": "num", "version": 1})
    rec.rest("alias raw got without an alias", "GET", f"{MODELS}/alias", params={"name": "ver"})
    rec.rest("the model raw", "GET", f"{MODELS}/get", params={"name": "ver"})


def _copies(rec, c):
    rec.call("copy", c.copy_model_version, "models:/ver/1", "copied")
    rec.call("copy by alias", c.copy_model_version, "models:/ver@champion", "copied")
    rec.call("copy onto itself", c.copy_model_version, "models:/ver/1", "ver")
    rec.call("copy nobody", c.copy_model_version, "models:/ver/99", "copied")
    rec.call("copy what is no model", c.copy_model_version, "runs:/x/y", "copied")
    rec.call("copy a copy", c.copy_model_version, "models:/copied/1", "copied twice")
    rec.call("where a copy is", c.get_model_version_download_uri, "copied twice", "1")


def _search(rec, c):
    def found(**values):
        return [(one.name, one.version) for one in c.search_model_versions(**values) if "prompt" not in one.name]

    for text in FILTERS:
        rec.call(f"filter {text!r}", found, filter_string=text)
    for order in ORDERS:
        rec.call(f"order {order}", found, filter_string="name IN ('ver', 'copied')", order_by=order)
    first = rec.call("first page", c.search_model_versions, "name = 'ver'", 2)
    rec.call("second page", c.search_model_versions, "name = 'ver'", 2, page_token=first.token)
    rec.call("wrong token", c.search_model_versions, "name = 'ver'", page_token="wrong")
    rec.rest("search raw", "GET", f"{API}/search", params={"filter": "name = 'ver'", "max_results": 1})
    for most in (0, -1, 200_000, 200_001, "x"):
        rec.rest(
            f"search raw at most {most}",
            "GET",
            f"{API}/search",
            params={"max_results": most, "filter": "name = 'ver' AND version_number = 1"},
        )
