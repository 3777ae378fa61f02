"""Writes an offline run with Weights & Biases into the folder argv[1]; with argv[2] `killed` it never ends."""

import os
import sys
from pathlib import Path

os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true"}
import numpy as np
import wandb

run = wandb.init(
    project="flights", name="first", notes="a note", tags=["a", "b"], group="g", job_type="train", dir=sys.argv[1],
    config={"lr": 0.1, "layers": [1, 2], "opt": {"name": "adam", "eps": 1e-8}},
)  # fmt: skip
wandb.define_metric("val", step_metric="epoch")
for step in range(300):
    run.log({"loss": 1 / (step + 1), "nested": {"a": step}, "word": f"w{step}", "flag": step % 2 == 0})
if sys.argv[2:] == ["killed"]:
    while next(Path(sys.argv[1]).rglob("*.wandb")).stat().st_size < 20_000:
        run.log({"loss": 0.0})
    os._exit(9)
picture = wandb.Image(np.zeros((4, 4, 3), dtype=np.uint8))
run.log({"hist": wandb.Histogram([1, 2, 3, 3]), "img": picture, "nan": float("nan"), "inf": float("inf")})
run.log({"t": wandb.Table(columns=["a", "b"], data=[[1, "x"]])})
run.summary["best"] = 0.9
run.summary["loss"] = 0.001
kept = Path(sys.argv[1]) / "extra.txt"
kept.write_text("hello")
artifact = wandb.Artifact("ds", "dataset")
artifact.add_file(str(kept))
run.log_artifact(artifact)
print("printed line")
run.finish()
