"""unblur takes a blurred photograph and gives it back sharp."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unblur.inference.deblur_any import deblur
    from unblur.inference.deblurrer import Deblurrer

__version__ = "0.1.0"
__all__ = ["Deblurrer", "__version__", "deblur"]


def __getattr__(name: str) -> Any:
    # Loaded at first use, so that importing the package imports nothing heavy.
    if name in ("Deblurrer", "deblur"):
        from unblur.inference import deblur_any

        return getattr(deblur_any, name)
    raise AttributeError(f"module 'unblur' has no attribute {name!r}")
