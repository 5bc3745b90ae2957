"""Training, from a config and folders to a run folder: the loop, and what it goes round."""

from unblur.training.loop import Progress, Result, TrainError, train

__all__ = ["Progress", "Result", "TrainError", "train"]
