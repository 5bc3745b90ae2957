"""The run behind the default network's weights: its log and curve."""
