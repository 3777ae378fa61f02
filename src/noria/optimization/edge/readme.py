"""The page of a bundle: what is in it, and a program for each runtime that answers the golden rows."""

from __future__ import annotations

from importlib.resources import files

from noria.optimization.edge.manifest import Manifest

_PYTHON = '''import json

import numpy as np

about, golden = (json.load(open(name, encoding="utf-8")) for name in ("manifest.json", "golden.json"))


def tensor(one):
    """A column as (rows, 1)."""
    place = golden["columns"].index(one["column"])
    values = [one["null"] if row[place] is None else row[place] for row in golden["rows"]]
    kind = object if one["kind"] == "string" else one["kind"]
    return np.array(values, object).astype(kind).reshape(-1, 1)


def off_by(answers):
    expected = np.array(golden["expected"], object).astype(np.float64)
    return np.max(np.abs(answers - expected) / np.maximum(1, np.abs(expected)), initial=0)

'''
_JAVASCRIPT = """
const arrays = {
  float32: values => Float32Array.from(values, Number), float64: values => Float64Array.from(values, Number),
  int64: values => BigInt64Array.from(values, BigInt), string: values => values,
};
const feed = {};
for (const one of about.inputs) {
  const place = golden.columns.indexOf(one.column);
  const values = golden.rows.map(row => row[place] === null ? one.null : row[place]);
  feed[one.tensor] = new ort.Tensor(one.kind, arrays[one.kind](values), [values.length, 1]);
}

function offBy(outputs) {
  const { data, dims } = outputs[about.output], wide = dims.length > 1 ? dims[1] : 1;
  return Math.max(0, ...golden.expected.map(Number).map((wanted, row) =>
    Math.abs(Number(data[row * wide + wide - 1]) - wanted) / Math.max(1, Math.abs(wanted))));
}
"""


def readme(about: Manifest) -> str:
    """The page as Markdown."""
    from jinja2 import Environment, StrictUndefined

    text = files(__package__ or "").joinpath("README.md.j2").read_text(encoding="utf-8")
    page = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)  # it is Markdown
    return page.from_string(text).render(it=about, common=_PYTHON.rstrip() + "\n", javascript=_JAVASCRIPT.strip("\n"))
