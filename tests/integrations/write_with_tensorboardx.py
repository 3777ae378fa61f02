"""Writes event files with tensorboardX and with TensorBoard's own writers into the folder argv[1]."""

import sys

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.histogram import metadata as histograms
from tensorboard.summary import Writer
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util import tensor_util
from tensorboardX import SummaryWriter

root = sys.argv[1]
with SummaryWriter(f"{root}/old") as writer:
    for step in range(200):
        writer.add_scalar("loss", 1 / (step + 1), step, walltime=1_700_000_000.25 + step)
    writer.add_scalar("nan", float("nan"), 7)
    writer.add_text("note", "hello *world*", 3)
    writer.add_histogram("weights", np.arange(100), 1)
    writer.add_image("img", np.zeros((3, 4, 4), dtype=np.uint8), 2)
    writer.add_scalars("both", {"a": 1.0, "b": 2.0}, 5)
    writer.add_hparams({"lr": 0.5, "opt": "adam", "flag": True}, {"hp/acc": 0.75}, name="hp1")

# a run written in two sittings: two files in one folder
for sitting in range(2):
    with SummaryWriter(f"{root}/twice", filename_suffix=f".{sitting}") as writer:
        for step in range(3):
            writer.add_scalar("x", float(sitting * 3 + step), sitting * 3 + step)

# tensors, as TensorFlow 2 writes them
new = Writer(f"{root}/new")
for step in range(5):
    new.add_scalar("acc", step / 8, step)
new.close()


def value(tag: str, plugin: str, content: bytes, data: object) -> Summary.Value:
    about = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin, content=content))
    return Summary.Value(tag=tag, tensor=tensor_util.make_tensor_proto(data), metadata=about)


events = EventFileWriter(f"{root}/new")
buckets = np.array([[0.0, 1.0, 3.0], [1.0, 2.0, 4.0]])
shown = [
    value("spread", "histograms", histograms.create_summary_metadata("", "").plugin_data.content, buckets),
    value("said", "text", b"", np.array([b"one", b"two"], dtype=object)),
    value("table", "my_plugin", b"", np.array([[1, 2], [3, 4]], dtype=np.int64)),
]
for one in shown:
    events.add_event(Event(wall_time=1_700_000_000.0, step=4, summary=Summary(value=[one])))
events.close()
