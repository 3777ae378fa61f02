"""Noria's own client asks a running server, at once and asynchronously."""

from __future__ import annotations

import asyncio
import json
import sys

import noria
from noria.serving.client.model import Refused

url, model, rows, label = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), sys.argv[4]
refused = {}
with noria.Client(url) as client:
    proofs = [("noria", "predict", [one.output for one in client.predict(rows, model)])]
    for what, asked, name in (("missing column", {}, model), ("unknown model", rows[0], "nobody")):
        try:
            client.predict(asked, name)
        except Refused as error:
            refused[what] = [error.http_status, str(error)]


async def ask() -> list[float]:
    async with noria.AsyncClient(url) as other:
        return [one.output for one in await other.predict(rows)]


proofs.append(("noria", "predict, asynchronously", asyncio.run(ask())))
print(json.dumps({"client": "noria.Client", "proofs": proofs, "refused": refused}))
