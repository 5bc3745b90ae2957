"""unblur takes a blurred photograph and gives it back sharp."""

__version__ = "0.1.0"
