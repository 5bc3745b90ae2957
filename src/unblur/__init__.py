"""unblur takes a blurred photograph and gives it back sharp."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unblur.inference.deblur_any import deblur
    from unblur.inference.deblurrer import Deblurrer
    from unblur.inspection.inspect_any import inspect
    from unblur.inspection.summary import Inspection

__version__ = "0.2.0"
__all__ = ["Deblurrer", "Inspection", "__version__", "deblur", "inspect"]


def __getattr__(name: str) -> Any:
    # Loaded at first use, so that importing the package imports nothing heavy.
    if name in ("Deblurrer", "deblur"):
        from unblur.inference import deblur_any

        return getattr(deblur_any, name)
    if name in ("Inspection", "inspect"):
        from unblur.inspection import inspect_any

        return getattr(inspect_any, name)
    raise AttributeError(f"module 'unblur' has no attribute {name!r}")
