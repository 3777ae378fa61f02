"""TensorBoard: event files read and written without TensorFlow, and a drop-in `SummaryWriter` that logs to Noria."""

from noria.integrations.tensorboard.summary_writer import SummaryWriter

__all__ = ["SummaryWriter"]
