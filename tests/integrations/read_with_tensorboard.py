"""Prints what TensorBoard's own reader finds in each run below argv[1], as JSON."""

import json
import sys

from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

found = {}
multiplexer = EventMultiplexer(size_guidance={"scalars": 0, "tensors": 0, "images": 0}).AddRunsFromDirectory(
    sys.argv[1]
)
multiplexer.Reload()
for name, tags in multiplexer.Runs().items():
    run = multiplexer.GetAccumulator(name)
    found[name] = {
        "scalars": {tag: [(one.step, one.wall_time, one.value) for one in run.Scalars(tag)] for tag in tags["scalars"]},
        "texts": {
            tag: [one.tensor_proto.string_val[0].decode() for one in run.Tensors(tag)]
            for tag in tags["tensors"]
            if run.SummaryMetadata(tag).plugin_data.plugin_name == "text"
        },
        "images": {tag: [len(one.encoded_image_string) for one in run.Images(tag)] for tag in tags["images"]},
        "hparams": sorted(tag for tag in run.summary_metadata if tag.startswith("_hparams_/")),
    }
print(json.dumps(found))
