"""What the base package and each extra are for, done once in an environment that has them."""

from __future__ import annotations

import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.environments import Environment, TrialError, clean, run

FORMATS = ("png", "webp", "tiff", "avif", "gif")
QUICK = ("heic", "video", "serve", "quantise", "cluster", "gpu")
"""Extras that install in a minute."""
HEAVY = ("metrics", "train", "compare")
"""Extras with PyTorch: gigabytes, where the newest one comes with CUDA."""
_ANSWERS = 60
"""Seconds within which the server says its address."""


def base(env: Environment, folder: Path) -> None:
    """Deblurs photo.jpg of the folder into each format, these again, a folder, and inspects."""
    for ending in FORMATS:
        _unblur(env, folder, "deblur", "photo.jpg", "-o", f"made.{ending}")
        _unblur(env, folder, "deblur", f"made.{ending}", "-o", f"again.{ending}")
    _unblur(env, folder, "inspect", "photo.jpg", "--map", "map.png")
    (folder / "photos").mkdir(exist_ok=True)
    (folder / "photos" / "a.jpg").write_bytes((folder / "photo.jpg").read_bytes())
    for _ in range(2):  # the second time there is nothing to do
        _unblur(env, folder, "deblur", "photos", "-o", "results")
    for wrong in (["deblur", "--precision", "wild", "photo.jpg"], ["deblur", "none.jpg"]):
        _refused(env, folder, *wrong)


def heic(env: Environment, folder: Path) -> None:
    code = """
import numpy, pillow_heif
pixels = numpy.random.default_rng(0).integers(0, 255, (96, 128, 3), numpy.uint8)
pillow_heif.encode("RGB", (128, 96), pixels.tobytes(), "made.heic")
"""
    run([env.python, "-c", code], cwd=folder)
    _unblur(env, folder, "deblur", "made.heic", "-o", "from-heic.jpg")


def video(env: Environment, folder: Path) -> None:
    code = """
import av, numpy
rng = numpy.random.default_rng(0)
with av.open("made.mp4", "w") as file:
    stream = file.add_stream("libx264", rate=10, options={"crf": "20"})
    stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
    for _ in range(3):
        pixels = rng.integers(0, 255, (96, 128, 3), numpy.uint8)
        file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
    file.mux(stream.encode())
"""
    run([env.python, "-c", code], cwd=folder)
    _unblur(env, folder, "deblur", "made.mp4", "-o", "deblurred.mp4")


def serve(env: Environment, folder: Path) -> None:
    """Starts the server at a free port and posts photo.jpg to it."""
    command = [env.unblur, "serve", "--port", "0", "--jobs", "jobs"]
    log = folder / "serve.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            command, cwd=folder, env=clean(os.environ), stdout=output, stderr=output
        )
    try:
        url = _address(server, log)
        photo = (folder / "photo.jpg").read_bytes()
        head = b'--B\r\nContent-Disposition: form-data; name="photo"; filename="photo.jpg"\r\n\r\n'
        request = urllib.request.Request(
            f"{url}/v1/deblur",
            head + photo + b"\r\n--B--\r\n",
            {"Content-Type": "multipart/form-data; boundary=B"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=_ANSWERS) as answer:
            if not answer.read().startswith(b"\xff\xd8"):
                raise TrialError("POST /v1/deblur: the answer is no JPEG")
        with opener.open(url, timeout=_ANSWERS) as page:
            if b"<html" not in page.read():
                raise TrialError("GET /: the answer is no page")
    except urllib.error.URLError as error:
        raise TrialError(f"unblur serve: {error}\n{log.read_text()[-2000:]}") from None
    finally:
        server.terminate()
        server.wait(30)


def quantise(env: Environment, folder: Path) -> None:
    """Imports alone: calibration takes minutes, and a checkpoint besides."""
    run([env.python, "-c", "import onnx, onnxruntime.quantization"])


def cluster(env: Environment, folder: Path) -> None:
    (folder / "photos").mkdir(exist_ok=True)
    (folder / "photos" / "a.jpg").write_bytes((folder / "photo.jpg").read_bytes())
    _unblur(env, folder, "bulk", "photos", "-o", "bulk")


def metrics(env: Environment, folder: Path) -> None:
    code = """
from unblur.torchvision_compat import import_torchvision
import_torchvision()
import numpy, cv2, torchmetrics
from unblur.metrics import psnr, ssim
image = numpy.zeros((64, 64, 3), numpy.uint8)
assert psnr(image, image + 1) > 40 and ssim(image, image) > 0.99
"""
    run([env.python, "-c", code])


def train(env: Environment, folder: Path) -> None:
    """Trains the paper's generator for two steps, goes on for one, and exports it."""
    (folder / "photos").mkdir(exist_ok=True)
    (folder / "photos" / "a.jpg").write_bytes((folder / "photo.jpg").read_bytes())
    (folder / "tiny.toml").write_text(
        "check_every = 2\n"
        "[[phases]]\nsteps = 3\ncrop = 64\nbatch = 1\nlr = 1e-4\n"
        "[phases.loss]\nadversarial = 0.0\ncontent = 0.0\npixel = 1.0\ngradient = 0.1\n"
    )
    _unblur(env, folder, "train", "tiny.toml", "--data", "photos", "--out", "run")
    _unblur(env, folder, "export", "run/last.safetensors", "-o", "mine.onnx")
    _unblur(env, folder, "deblur", "photo.jpg", "--model", "mine.onnx", "-o", "mine.png")


def compare(env: Environment, folder: Path) -> None:
    imported = "from unblur.torchvision_compat import import_torchvision; import_torchvision()"
    run([env.python, "-c", f"{imported}; import spandrel, spandrel_extra_arches"])


def gpu(env: Environment, folder: Path) -> None:
    run([env.python, "-c", "import onnxruntime; print(onnxruntime.get_available_providers())"])


EXTRAS: Mapping[str, Callable[[Environment, Path], None]] = {
    "heic": heic,
    "video": video,
    "serve": serve,
    "quantise": quantise,
    "cluster": cluster,
    "gpu": gpu,
    "metrics": metrics,
    "train": train,
    "compare": compare,
}
"""What each extra is tried by."""


def _unblur(env: Environment, folder: Path, *arguments: str) -> str:
    return run([env.unblur, *arguments], cwd=folder)[0]


def _refused(env: Environment, folder: Path, *arguments: str) -> None:
    try:
        _unblur(env, folder, *arguments)
    except TrialError as error:
        if "Traceback" in str(error):
            raise
        return
    raise TrialError(f"unblur {' '.join(arguments)}: was not refused")


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    for _ in range(_ANSWERS * 10):
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        if found:
            return found[0]
        if server.poll() is not None:
            break
        time.sleep(0.1)
    raise TrialError(f"unblur serve: says no address\n{log.read_text()[-2000:]}")
