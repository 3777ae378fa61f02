"""Writes an offline experiment with Comet into the folder argv[1]."""

import sys
from pathlib import Path

from comet_ml import OfflineExperiment

experiment = OfflineExperiment(
    project_name="flights", workspace="team", offline_directory=sys.argv[1], auto_output_logging=False
)
experiment.set_name("first")
experiment.add_tag("a")
experiment.log_parameters({"lr": 0.1, "opt": {"name": "adam"}})
for step in range(20):
    experiment.log_metric("loss", 1 / (step + 1), step=step, epoch=step // 5)
with experiment.validate():
    experiment.log_metric("loss", 0.5, step=3)
experiment.log_other("note", "text")
experiment.log_text("hello", step=1)
experiment.log_metrics({"a": 1.0, "b": float("nan")}, step=3)
experiment.log_histogram_3d([1, 2, 3], "h", step=1)
Path("extra.txt").write_text("hello")
experiment.log_asset("extra.txt")
experiment.log_confusion_matrix([0, 1], [0, 1])
experiment.end()
