"""PyTorch Lightning's autolog: a metric for each epoch, the optimizer as parameters, the model."""

import logging
import sys
import tempfile
import warnings

import mlflow
import numpy as np
import pytorch_lightning as pl
import torch
from mlflow import MlflowClient

warnings.filterwarnings("ignore")
logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
torch.set_num_threads(1)
torch.manual_seed(0)
mlflow.set_tracking_uri(sys.argv[1])
client = MlflowClient()
EPOCHS = 3


class Line(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def forward(self, x):
        return self.layer(x)

    def training_step(self, batch, _):
        x, y = batch
        loss = torch.nn.functional.mse_loss(self(x), y)
        self.log("loss", loss, on_epoch=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.05)


x = torch.randn(64, 2)
batches = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, x.sum(1, keepdim=True)), batch_size=16)
mlflow.set_experiment("torch")
mlflow.pytorch.autolog(checkpoint=False)
model = Line()
with tempfile.TemporaryDirectory() as folder, mlflow.start_run() as run:
    quiet = {
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "logger": False,
        "enable_checkpointing": False,
    }
    pl.Trainer(max_epochs=EPOCHS, accelerator="cpu", default_root_dir=folder, **quiet).fit(model, batches)
kept = client.get_run(run.info.run_id)
assert kept.data.params["optimizer_name"] == "SGD"
history = client.get_metric_history(run.info.run_id, "loss_epoch")
assert len(history) == EPOCHS and history[-1].value < history[0].value, history
(logged,) = mlflow.search_logged_models(filter_string=f"source_run_id = '{run.info.run_id}'", output_format="list")
loaded = mlflow.pytorch.load_model(f"models:/{logged.model_id}")
with torch.no_grad():
    assert np.allclose(loaded(x).numpy(), model(x).numpy())
mlflow.register_model(f"models:/{logged.model_id}", "line")
client.set_registered_model_alias("line", "best", 1)
with torch.no_grad():
    assert np.allclose(mlflow.pytorch.load_model("models:/line@best")(x).numpy(), model(x).numpy())
print("RESULT", mlflow.__version__, torch.__version__, pl.__version__)
