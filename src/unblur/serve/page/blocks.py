"""The page as Gradio renders it: one component of our own, and the events that keep it informed."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from importlib import resources
from typing import Any

import gradio as gr

from unblur.photo import FORMATS, READABLE
from unblur.serve.page import running
from unblur.serve.page.sessions import GoneError, Visits

HEAD = """
<title>unblur</title>
<meta name="description" content="Takes a blurred photograph and gives it back sharp.">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="page/static/logo.svg">
<link rel="stylesheet" href="page/static/page.css">
<script type="module" src="page/static/page.js"></script>
"""
# The script may be loaded before Gradio has rendered, or after.
_HAND_OVER = "(window.unblurPage ??= []).push({ element, trigger, props, watch });"


def make_blocks(visits: Visits, max_bytes: int, seconds: float) -> gr.Blocks:
    """The page; what it is to be mounted with is `HEAD`, and no theme's fonts."""
    work = visits.work
    page = (resources.files("unblur.serve.page") / "page.html").read_text(encoding="utf-8")

    def arrive(request: gr.Request) -> dict[str, Any]:
        visit = visits.open(request.session_hash or "")
        return {
            **running.state(visit, work),
            "models": list(work.models),
            "limits": {"bytes": max_bytes},
            "accept": _accepted(),
            "about": _about(max_bytes, work.max_pixels),
        }

    async def restore(event: gr.EventData) -> AsyncIterator[dict[str, Any]]:
        asked = event._data if isinstance(event._data, dict) else {}
        try:
            visit = visits.find(str(asked.get("visit")))
        except GoneError:
            yield {"gone": True}
            return
        model, best = asked.get("model"), asked.get("best") is True
        async for state in running.run(visit, work, model, seconds, best):
            yield state

    def leave(request: gr.Request) -> None:
        visits.leave(request.session_hash or "")

    with gr.Blocks(title="unblur", analytics_enabled=False, fill_width=True) as blocks:
        studio = gr.HTML(
            html_template=page, js_on_load=_HAND_OVER, apply_default_css=False, elem_id="unblur"
        )
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        blocks.load(arrive, None, studio, concurrency_limit=None, **quiet)
        studio.submit(
            restore, None, studio, trigger_mode="multiple", concurrency_limit=None, **quiet
        )
        blocks.unload(leave)
    return blocks.queue(api_open=False, default_concurrency_limit=None)


def _accepted() -> list[str]:
    """What a file chooser offers. Without HEIC, a telephone hands over a JPEG by itself."""
    heic = importlib.util.find_spec("pillow_heif") is not None
    return sorted(READABLE if heic else FORMATS)


def _about(max_bytes: int, max_pixels: int) -> str:
    names = [{"webp": "WebP"}.get(kind, kind.upper()) for kind in dict.fromkeys(FORMATS.values())]
    if ".heic" in _accepted():
        names.append("HEIC (comes back as JPEG)")
    return (
        f"{', '.join(names)}; up to {max_bytes / 2**20:.0f} MB and"
        f" {max_pixels / 1e6:.0f} megapixels each"
    )
