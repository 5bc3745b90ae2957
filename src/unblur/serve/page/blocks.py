"""The page's Gradio blocks: one HTML component, and the events that update it."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from importlib import resources
from typing import Any

import gradio as gr

from unblur.errors import ExpiredError
from unblur.inference.options import Scale, scale_of
from unblur.photo import FORMATS, READABLE
from unblur.serve.page import running
from unblur.serve.page.sessions import Sessions

HEAD = """
<title>unblur</title>
<meta name="description" content="Takes a blurred photograph and gives it back sharp.">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="page/static/logo.svg">
<link rel="stylesheet" href="page/static/page.css">
<script type="module" src="page/static/page.js"></script>
"""
# page.js may be loaded before or after Gradio renders.
_HAND_OVER = "(window.unblurPage ??= []).push({ element, trigger, props, watch });"


def make_blocks(sessions: Sessions, max_bytes: int, timeout: float) -> gr.Blocks:
    """The blocks; to be mounted with `HEAD` and without a theme's fonts."""
    queue = sessions.queue
    page = (resources.files("unblur.serve.page") / "page.html").read_text(encoding="utf-8")

    def arrive(request: gr.Request) -> dict[str, Any]:
        session = sessions.open(request.session_hash or "")
        return {
            **running.state(session, queue),
            "models": list(queue.models),
            "limits": {"bytes": max_bytes},
            "accept": _accepted(),
            "about": _about(max_bytes, queue.max_pixels),
        }

    async def restore(event: gr.EventData) -> AsyncIterator[dict[str, Any]]:
        asked = event._data if isinstance(event._data, dict) else {}
        try:
            session = sessions.find(str(asked.get("visit")))
        except ExpiredError:
            yield {"gone": True}
            return
        model, best, scale = asked.get("model"), asked.get("best") is True, _scale(asked)
        async for state in running.run(session, queue, model, timeout, best, scale):
            yield state

    def leave(request: gr.Request) -> None:
        sessions.leave(request.session_hash or "")

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


def _scale(asked: dict[str, Any]) -> Scale:
    try:
        return scale_of(str(asked.get("scale")))
    except ValueError:
        return "auto"


def _accepted() -> list[str]:
    """Extensions for the file chooser. Without HEIC among them, a phone converts to JPEG."""
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
