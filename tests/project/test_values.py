"""The TOML file against the declaration."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noria.core.errors import NoriaError
from noria.data.model import Location
from noria.project.load import load
from noria.project.values import Document, model_values, search_spec
from noria.serving.model import CacheRules, LaneRules, LoadRules, LogRules
from noria.training.model import Choice, Range

SOURCES = '[source.Visit]\npath = "v/*"\n[source.Order]\npath = "o/*"\n'
VALUES = "[buyer.values]\nrate = 0.1\nrounds = 100\n"


def test_values_are_typed_and_defaults_fill_in(write):
    model = load(
        write(toml=SOURCES + "[buyer.values]\nrate = 1\nrounds = 2\n[buyer]\nseed = 7\nthreads = 1\n")
    ).plan.model()
    assert model.training.values == {"rate": 1.0, "rounds": 2, "kind": "tree"}
    assert type(model.training.values["rate"]) is float
    assert (model.training.seed, model.training.threads) == (7, 1)


def test_a_value_may_be_searched_instead(write):
    toml = SOURCES + "[buyer.values]\nrounds = 2\n[buyer.search]\nrate = {low = 0.1, high = 1, log = true}\n"
    training = load(write(toml=toml + "kind = ['tree', 'line']\ntrials = 3\nrows = 40_000\n")).plan.model().training
    assert training.search.space == {"rate": Range(0.1, 1, log=True, integer=False), "kind": Choice(("tree", "line"))}
    assert (training.search.trials, training.search.rows) == (3, 40_000)


def test_a_source_may_be_a_version_of_a_delta_table(write):
    toml = "[source.Visit]\ndelta = 's3://lake/visits'\nversion = 12\n[source.Order]\ndelta='lake/orders'\n" + VALUES
    plan = load(write(toml=toml)).plan
    places = {source.name: source.location for source in plan.sources}
    assert places["Visit"] == Location(delta="s3://lake/visits", version=12)
    assert places["Order"] == Location(delta="lake/orders")
    assert "(Delta table s3://lake/visits, version 12)" in plan.show()


def test_what_of_predictions_is_logged(write):
    toml = SOURCES + VALUES + "[buyer.log]\nsample = 0.1\nredact = ['pages']\nhash = ['customer']\n"
    plan = load(write(toml=toml)).plan
    assert plan.model().log == LogRules(0.1, ("pages",), ("customer",), plan.model().training.inputs.key)
    assert "log" in plan.show() and "10% of predictions, without pages, customer hashed" in plan.show()
    assert load(write(toml=SOURCES + VALUES)).plan.model().log is None


def test_how_answers_are_remembered_and_rows_gathered(write):
    toml = SOURCES + VALUES + "[buyer.cache]\nttl = 60\nsize = 5\nredis = 'redis://127.0.0.1/0'\n"
    plan = load(write(toml=toml + "[buyer.serving]\nbatch = 32\nqueue = 100\npatience = 0.5\nmemory_mb = 2048\n")).plan
    assert plan.model().cache == CacheRules(60.0, 5, "redis://127.0.0.1/0")
    assert plan.model().lane == LaneRules(32, queue=100, patience=0.5, memory=2 << 30)
    assert "5 answers for 60 s and in Redis" in plan.show()
    usual = load(write(toml=SOURCES + VALUES)).plan.model()
    assert (usual.cache, usual.lane) == (None, LaneRules())


def test_when_models_are_in_memory_and_how_much_of_it_they_may_take(write):
    toml = SOURCES + VALUES + "[buyer.serving]\nload = 'on demand'\nidle = '10m'\n[serving]\nmemory = '2GB'\n"
    plan = load(write(toml=toml)).plan
    assert (plan.model().load, plan.memory) == (LoadRules(on_demand=True, idle=600), 2_000_000_000)
    assert "on demand, until nobody has asked for 600 s" in plan.show()
    for text, size in (("1.5GiB", 3 << 29), ("64 MB", 64_000_000), ("1TB", 10**12), ("1000000B", 10**6)):
        assert load(write(toml=SOURCES + VALUES + f"[serving]\nmemory = '{text}'\n")).plan.memory == size
    usual = load(write(toml=SOURCES + VALUES)).plan
    assert (usual.model().load, usual.memory) == (LoadRules(), None)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        (SOURCES + VALUES + "[buyer.serving]\nload = 'on demnd'\n", "buyer.serving.load: must be one of 'at start', 'on demand', not 'on demnd' (did you mean 'on demand'?)"),  # noqa: E501
        (SOURCES + VALUES + "[buyer.serving]\nload = true\n", "buyer.serving.load: must be one of"),
        (SOURCES + VALUES + "[buyer.serving]\nidle = '10m'\n", "a model that is loaded at the start stays (add load"),
        (SOURCES + VALUES + "[buyer.serving]\nload = 'on demand'\nidle = 600\n", "buyer.serving.idle: must be a length of time"),  # noqa: E501
        (SOURCES + VALUES + "[buyer.serving]\nload = 'on demand'\nidle = '0s'\n", "must be a length of time above 0"),
        (SOURCES + VALUES + "[buyer.serving]\nload = 'on demand'\nidle = '-1m'\n", "must be a length of time above 0"),
        (SOURCES + VALUES + "[serving]\nmemory = 2\n", "serving.memory: must be a size of at least a megabyte, not 2"),
        (SOURCES + VALUES + "[serving]\nmemory = '2 giga'\n", "serving.memory: must be a size"),
        (SOURCES + VALUES + "[serving]\nmemory = '10B'\n", "serving.memory: must be a size"),
        (SOURCES + VALUES + "[serving]\nmemry = '1GB'\n", "serving.memry: nobody reads this (did you mean 'memory'?)"),
        (SOURCES + VALUES + "[buyer.cache]\nsize = 5\n", "buyer.cache.ttl: must be seconds above 0, not None"),
        (SOURCES + VALUES + "[buyer.cache]\nttl = 5\nsize = 0\n", "buyer.cache.size: must be a whole number"),
        (SOURCES + VALUES + "[buyer.cache]\nttl = 5\nredis = 6379\n", "buyer.cache.redis: must be a URL"),
        (SOURCES + VALUES + "[buyer.serving]\nbatch = 1.5\n", "buyer.serving.batch: must be a whole number"),
        (SOURCES + VALUES + "[buyer.serving]\npatience = 0\n", "buyer.serving.patience: must be seconds above 0"),
        (SOURCES + VALUES + "[buyer.serving]\nbatches = 2\n", "buyer.serving.batches: nobody reads this"),
        (SOURCES + VALUES + "[buyer.log]\nsample = 0\n", "buyer.log.sample: must be a share above 0"),
        (SOURCES + VALUES + "[buyer.log]\nredact = 'pages'\n", "buyer.log.redact: must be a list of columns"),
        (SOURCES + VALUES + "[buyer.log]\nhash = ['page']\n", "there is no column 'page' (did you mean 'pages'?)"),
        (SOURCES + VALUES + "[buyer.log]\nsampel = 1\n", "buyer.log.sampel: nobody reads this"),
        (SOURCES + "[buyer.values]\nrate = 0.1\n", "shop.toml: buyer.values.rounds: is missing (buyer takes rounds: int)"),  # noqa: E501
        (SOURCES + VALUES + "ronds = 1\n", "shop.toml: buyer.values.ronds: nobody reads this (did you mean 'rounds'?)"),
        (SOURCES + "[buyer.values]\nrate = 'fast'\nrounds = 1\n", "buyer.values.rate: must be float, not 'fast'"),
        (SOURCES + "[buyer.values]\nrate = true\nrounds = 1\n", "buyer.values.rate: must be float, not True"),
        (SOURCES + "[buyer.values]\nrate = 1\nrounds = 1.5\n", "buyer.values.rounds: must be int, not 1.5"),
        (SOURCES + "[buyer.values]\nrate = [1]\nrounds = 1\n", "ranges and choices belong under [buyer.search]"),
        (SOURCES + "[buyer.values]\nrate = nan\nrounds = 1\n", "buyer.values.rate: must be a finite number"),
        (SOURCES + "[buyer.values]\nrate = inf\nrounds = 1\n", "buyer.values.rate: must be a finite number"),
        (SOURCES + VALUES + "[buyer.search]\nrate = {low = 2, high = 1}\n", "low = 2 must lie below high = 1"),
        (SOURCES + VALUES + "[buyer.search]\nrate = {low = 0, high = 1, log = true}\n", "above 0 on a log scale"),
        (SOURCES + VALUES + "[buyer.search]\nrate = {low = 1, hihg = 2}\n", "must be a list of values or"),
        (SOURCES + VALUES + "[buyer.search]\nrate = []\n", "must be a list of values or"),
        (SOURCES + VALUES + "[buyer.search]\ntrials = 0\nrate = [1]\n", "must be a whole number above zero, not 0"),
        (SOURCES + VALUES + "[buyer.search]\ntrials = 3\n", "buyer.search: searches nothing"),
        (SOURCES + VALUES + "[buyer]\nseed = -1\n", "buyer.seed: must be a whole number, not -1"),
        (SOURCES + VALUES + "[byer]\nseed = 1\n", "shop.toml: byer: nobody reads this (did you mean 'buyer'?)"),
        (SOURCES + VALUES + "[workspace]\ndatabse = 'x'\n", "workspace.databse: nobody reads this (did you mean 'database'?)"),  # noqa: E501
        (SOURCES + VALUES + "[workspace]\ndatabase = 5\n", "workspace.database: must be a text"),
        ("[source.Visit]\npath = 'x'\n" + VALUES, "source.Order: must say one of"),
        ("[source.Visit]\npath = 'x'\nquery = 'y'\n[source.Order]\npath='x'\n" + VALUES, "source.Visit: must say one of"),  # noqa: E501
        ("[source.Visit]\ndelta = 'x'\npath = 'y'\n[source.Order]\npath='x'\n" + VALUES, "source.Visit: must say one of"),  # noqa: E501
        ("[source.Visit]\ndelta = 'x'\nversion = -1\n[source.Order]\npath='x'\n" + VALUES, "source.Visit.version: must be"),  # noqa: E501
        ("[source.Visit]\ndelta = 'x'\nversion = true\n[source.Order]\npath='x'\n" + VALUES, "source.Visit.version: must be"),  # noqa: E501
        ("[source.Visit]\nquery = 'x'\nversion = 1\n[source.Order]\npath='x'\n" + VALUES, "source.Visit.version: must be"),  # noqa: E501
        ("[source.Visit]\npath = 5\n[source.Order]\npath='x'\n" + VALUES, "source.Visit.path: must be a text"),
        ("[source.Visit]\npath = 'x'\ntolerate = 2\n[source.Order]\npath='x'\n" + VALUES, "a share between 0 and 1"),
        ("[source.Visit]\npath = 'x'\nfresh_within_hours = 'a'\n[source.Order]\npath='x'\n" + VALUES, "must be a number"),  # noqa: E501
        ("source = 3\n" + VALUES, "source: must be a table"),
        ("buyer = 3\n" + SOURCES, "must be a table"),
        (SOURCES + "[buyer]\nvalues = 3\n", "buyer.values: must be a table"),
        ("workspace = 3\n" + SOURCES + VALUES, "workspace: must be a table"),
    ],
)  # fmt: skip
def test_a_fault_of_the_file_has_its_path(faults, toml, said):
    told = faults(toml=toml)
    assert any(said in fault for fault in told), told


@pytest.mark.parametrize(
    ("content", "said"), [(b"[buyer", "is not TOML"), (b"a = 1\na = 2", "is not TOML"), (b"a = '\xff'", "is not UTF-8")]
)
def test_a_file_that_is_no_toml_says_where(write, content, said):
    folder = write()
    (folder / "shop.toml").write_bytes(content)
    with pytest.raises(NoriaError, match=said):
        load(folder)
    (folder / "shop.toml").unlink()
    with pytest.raises(NoriaError, match=r"there is no file shop\.toml"):
        load(folder)


toml_values = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["low", "high", "log", "x"]), inner),
    max_leaves=4,
)
tables = st.dictionaries(st.sampled_from(["rate", "rounds", "kind", "trials", "rows", "x"]), toml_values)


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(values=tables | toml_values, search=tables | toml_values)
def test_whatever_the_file_says_it_is_read_or_faulted(values, search):
    def train(X, *, rate: float, rounds: int, kind: str = "tree"):
        """A training function."""

    train.__annotations__.update(rate=float, rounds=int, kind=str)
    document = Document("x.toml", {"buyer": {"values": values, "search": search}})
    found, searched = model_values(document, "buyer", train), search_spec(document, "buyer", train)
    if not document.faults:
        assert {*found, *(searched.space if searched else ())} == {"rate", "rounds", "kind"}
