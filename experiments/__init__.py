"""The studies behind the documents: their configs, stored logs and results, figures and tables."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
