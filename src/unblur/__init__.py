"""unblur takes a blurred photograph and gives it back sharp."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unblur.inference.deblurrer import Deblurrer, deblur

__version__ = "0.1.0"
__all__ = ["Deblurrer", "__version__", "deblur"]


def __getattr__(name: str) -> Any:
    # Importing the package costs nothing; what computes is loaded when it is first asked for.
    if name in ("Deblurrer", "deblur"):
        from unblur.inference import deblurrer

        return getattr(deblurrer, name)
    raise AttributeError(f"module 'unblur' has no attribute {name!r}")
