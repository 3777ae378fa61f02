"""What is served as a page for people: models, columns, commands to copy, routes. No script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from noria.serving.contracts.examples import curls
from noria.serving.contracts.model import Contract
from noria.serving.contracts.shape import Shape
from noria.serving.model import Request


def page(contracts: Iterable[Contract], shapes: Iterable[Shape], request: Request, *, only: bool) -> str:
    """Routes by contract, and commands to copy for each of these models (or the `only` one)."""
    contracts = list(contracts)
    models = "".join(_model(contracts, shape, request, only) for shape in shapes)
    routes = "".join(_routes(contract) for contract in contracts)
    return _PAGE.replace("MODELS", models).replace("ROUTES", routes)


def _model(contracts: Sequence[Contract], shape: Shape, request: Request, only: bool) -> str:
    lineup = shape.lineup
    answers = f"version {lineup.champion.number}"
    if lineup.challenger is not None:
        answers += f", beside it version {lineup.challenger.number} ({lineup.routing.mode}, {lineup.routing.share:.0%})"
    trouble = f"<p class=trouble>{escape(lineup.trouble)}</p>" if lineup.trouble else ""
    columns = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{column.dtype}{' or null' if column.nullable else ''}</td></tr>"
        for name, column in shape.columns.items()
        if name in shape.positional
    )
    titles = {contract.name: contract.title for contract in contracts}
    commands = "".join(
        f"<details{' open' if number == 0 else ''}><summary>{escape(titles[name])}</summary>"
        f"<pre>{escape(command)}</pre></details>"
        for number, (name, command) in enumerate(curls(contracts, shape, request, only).items())
    )
    return (
        f"<h2>Model {escape(lineup.routing.model)}</h2><p>Answered by {escape(answers)}.</p>{trouble}"
        f"<div class=two><table><tr><th>column</th><th>type</th></tr>{columns}</table><div>{commands}</div></div>"
    )


def _routes(contract: Contract) -> str:
    rows = "".join(
        f"<tr><td>{route.method}</td><td><code>{escape(route.path)}</code></td><td>{escape(route.says)}</td></tr>"
        for route in contract.routes
        if route.says
    )
    return f"<details><summary>{escape(contract.title)}</summary><table>{rows}</table></details>"


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Noria: what is served</title><style>
body{font:15px/1.5 system-ui,sans-serif;max-width:68rem;margin:2rem auto;padding:0 1rem;color:#1c2733;background:#fff}
h1{margin-bottom:0}h2{margin:2rem 0 .2rem;border-top:1px solid #d8dee5;padding-top:1.2rem}p{margin:.2rem 0 .8rem}
pre{background:#f3f5f7;padding:.7rem;border-radius:4px;white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px}
summary{cursor:pointer;padding:.15rem 0}td,th{padding:.1rem 1rem .1rem 0;vertical-align:top;text-align:left}
th{font-weight:600;color:#5b6b7c}.two{display:grid;grid-template-columns:max-content 1fr;gap:0 2.5rem;align-items:start}
.trouble{color:#b3261e}
@media(max-width:45rem){.two{display:block}}
@media(prefers-color-scheme:dark){body{color:#dfe6ee;background:#12181f}pre{background:#1d2630}a{color:#8cc4ff}
h2{border-color:#2c3844}.trouble{color:#ff9d94}}
</style><body><h1>Noria</h1><p>What this server answers, with commands to copy. For tools:
<a href="openapi.json">openapi.json</a>, <a href="./">JSON</a>, <a href="metrics">metrics</a>,
<a href="v2/health/ready">ready?</a></p>MODELS<h2>Every route</h2>ROUTES</body></html>
"""
