"""Training: from a config and folders of data to a run folder."""
