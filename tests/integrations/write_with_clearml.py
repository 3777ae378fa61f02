"""Writes an offline task with ClearML; prints where its zip file lies."""

import os
import sys
from pathlib import Path

os.environ["CLEARML_OFFLINE_MODE"] = "1"
import numpy as np
from clearml import Task

Task.set_offline(True)
task = Task.init(
    project_name="flights/sub", task_name="first", tags=["a"], auto_connect_frameworks=False,
    auto_resource_monitoring=False,
)  # fmt: skip
task.connect({"lr": 0.1, "opt": {"name": "adam"}}, name="General")
task.connect_configuration({"a": 1}, name="conf")
task.set_comment("a comment")
logger = task.get_logger()
for step in range(20):
    logger.report_scalar("loss", "train", 1 / (step + 1), step)
    logger.report_scalar("loss", "val", 2 / (step + 1), step)
logger.report_single_value("best", 0.9)
logger.report_text("hello text")
logger.report_histogram("h", "s", [1, 2, 3], iteration=1)
logger.report_image("img", "s", 1, image=np.zeros((4, 4, 3), dtype=np.uint8))
task.upload_artifact("data", {"x": 1})
Path("extra.txt").write_text("hello")
task.upload_artifact("file", "extra.txt")
task.close()
sys.stdout.write(f"\nZIP {task.get_offline_mode_folder()}.zip\n")
