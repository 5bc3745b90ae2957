"""The command line. Each command loads what it needs when it runs, so that help is instant."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from unblur import __version__
from unblur.errors import ConfigError
from unblur.inference import options

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Takes a blurred photograph and gives it back sharp.",
)


def _declared(option: options.Option) -> Any:
    return typer.Option(f"--{option.name}", min=option.least, max=option.most, help=option.help)


ModelOption = Annotated[str, _declared(options.MODEL)]
TileOption = Annotated[int | None, _declared(options.TILE)]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]


@app.command(no_args_is_help=True)
def deblur(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="INPUT", help="Photos, videos, folders; - is standard input."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            help="Output file, or folder; by default NAME-deblurred; - is standard output.",
        ),
    ] = None,
    model: ModelOption = "default",
    strength: Annotated[float, _declared(options.STRENGTH)] = options.FULL,
    best: Annotated[bool, _declared(options.BEST)] = False,
    precision: Annotated[
        str,
        typer.Option(
            metavar="auto|float|f32|bf16|int8",
            help="Of the network on a CPU: auto is the fastest; f32 is alike on all.",
        ),
    ] = "auto",
    tile: TileOption = None,
    overwrite: OverwriteOption = False,
    jobs: Annotated[int, typer.Option(min=1, help="Photos at a time; fewer need less memory.")] = 3,
    json: Annotated[
        bool, typer.Option("--json", help="A line of JSON for each input, and one for the sum.")
    ] = False,
    max_pixels: Annotated[int | None, _declared(options.MAX_PIXELS)] = None,
    codec: Annotated[
        str, typer.Option(help="Of videos: auto (the input's own), h264, hevc, vp9, av1, ffv1, ...")
    ] = "auto",
    quality: Annotated[
        int | None,
        typer.Option(min=0, help="Of videos: the codec's own scale, lower is better."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Say which network runs, on what, and how.")
    ] = False,
) -> None:
    """Deblur photos, and folders of them: the same command again goes on with a folder."""
    if precision not in ("auto", "float", "f32", "bf16", "int8"):
        _fail(f"--precision is auto, float, f32, bf16 or int8, not {precision}", 2)
    try:
        from unblur.batch import Options
        from unblur.batch.run import deblur_all
        from unblur.photo import MAX_PIXELS

        how = Options(strength, overwrite, max_pixels or MAX_PIXELS, codec, quality, warn=_say)
        code = deblur_all(inputs, out, how, model, tile, jobs, json, best, verbose, precision)
    except KeyboardInterrupt:
        _fail("stopped", 130)
    raise typer.Exit(code)


@app.command(no_args_is_help=True)
def synth(
    source: Annotated[
        Path,
        typer.Argument(metavar="PHOTOS|VIDEO", help="Folder of sharp photos, or fast video."),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the pairs.")],
    count: Annotated[
        int | None,
        typer.Option(min=1, help="Pairs to make; by default one a photo, all of a video."),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same pairs.")] = 0,
    preset: Annotated[
        str, typer.Option(metavar="mild|real|severe", help="Strength of the blur of photos.")
    ] = "real",
    frames: Annotated[
        bool, typer.Option("--frames", help="The folder holds a video's frames, in order.")
    ] = False,
    average: Annotated[
        int | None,
        typer.Option(min=3, help="Frames of a video to average, odd; by default 7 to 13."),
    ] = None,
    response: Annotated[
        str | None,
        typer.Option(metavar="signal|srgb", help="How to average frames; by default in turn."),
    ] = None,
) -> None:
    """Make blurred and sharp pairs from sharp photos or a fast video."""
    if preset not in ("mild", "real", "severe"):
        _fail(f"--preset is mild, real or severe, not {preset}", 2)
    if response not in (None, "signal", "srgb"):
        _fail(f"--response is signal or srgb, not {response}", 2)
    if average is not None and average % 2 == 0:
        _fail(f"--average is an odd number, so that there is a middle frame; not {average}", 2)
    with _extra("train"):
        from unblur.synth import synthesize_pairs
    from unblur.cli.progress import bar

    with _clear_errors(), bar() as advance:
        report = synthesize_pairs(
            source, out, count, seed, preset, frames, average, response, advance
        )
    for name, reason in report.skipped.items():
        _say(f"{name}: {reason}")
    kept = f", {report.kept} of them made before" if report.kept else ""
    typer.echo(f"{out}: {report.made + report.kept} pairs{kept}")


@app.command(no_args_is_help=True)
def train(
    config: Annotated[
        Path | None, typer.Argument(metavar="CONFIG.toml", help="What to train, and how.")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", help="Folder of pairs or of sharp photos; again for more."),
    ] = None,
    init: Annotated[
        Path | None, typer.Option(help="Weights to start from, with a fresh optimiser.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Run folder to go on with; its config and data stay.")
    ] = None,
    max_time: Annotated[
        str | None, typer.Option(metavar="90s|9m|2h", help="End with a checkpoint after this time.")
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option(min=1, help="End at this step, counted from the run's start.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; by default runs/NAME-DATE.")] = None,
    content_weights: Annotated[
        Path | None, typer.Option(help="File with the content network's weights.")
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, help="Share a CPU among so many, each with the config's batch.")
    ] = 1,
) -> None:
    """Train a network."""
    seconds = _seconds("--max-time", max_time) if max_time else float("inf")
    if config is None and resume is None:
        _fail("name a CONFIG.toml for a new run, or --resume RUN to go on with one", 2)
    if resume is not None and (init is not None or out not in (None, resume)):
        _fail("--resume goes on with a run in its own folder: leave out --init and --out", 2)
    with _extra("train"):
        from unblur.cli.progress import show
        from unblur.training import config as configs
        from unblur.training.loop import train as run
    try:
        if resume is None:
            assert config is not None
            settings = configs.override(configs.load(config), data, content_weights)
            out = out or Path("runs") / f"{config.stem}-{time.strftime('%Y%m%d-%H%M')}"
        else:
            out = resume
            settings = configs.load(resume / "config.toml")
            given = configs.load(config) if config else settings
            given = configs.override(given, data or settings.data.dirs, content_weights)
            configs.require_equal(given, settings, f"{resume} was started")
    except ConfigError as error:
        _fail(str(error), 2)
    with _clear_errors(), show(settings) as report:
        result = run(
            settings,
            out,
            init=init,
            resume=resume is not None,
            max_seconds=seconds,
            max_steps=max_steps,
            processes=processes,
            report=report,
            say=_say,
        )
    best = "" if result.psnr is None else f", best validation {result.psnr:.2f} dB"
    typer.echo(f"{result.out}: step {result.step}{best} ({result.reason})")


@app.command(no_args_is_help=True)
def evaluate(
    dataset: Annotated[
        Path,
        typer.Argument(
            help="A dataset as it is downloaded, or blur/ and sharp/; for niqe, photos."
        ),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            help="Bundled name, ONNX file, checkpoint, of others too (spandrel); again for more.",
        ),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(metavar="full|paper", help="Native size, or 256x256; by default both."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            help="psnr, ssim (both by default), psnr-y, ssim-3d, lpips, dists, niqe; repeatable.",
        ),
    ] = None,
    layout: Annotated[
        str,
        typer.Option(
            help="The dataset's tree: gopro, hide, realblur-j, ..., photos; by default recognised."
        ),
    ] = "auto",
    blur: Annotated[
        str, typer.Option(help="Folder of the blurred images: blur, or GoPro's blur_gamma.")
    ] = "blur",
    engine: Annotated[
        str,
        typer.Option(
            metavar="onnx|torch", help="Run unblur's checkpoints exported, or as they are."
        ),
    ] = "onnx",
    tile: TileOption = None,
    cost: Annotated[
        bool, typer.Option(help="Measure time, memory, parameters and multiplications too.")
    ] = True,
    json: Annotated[Path | None, typer.Option(help="Write all figures to this file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables to this file.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a page with the tables and the images to compare.")
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(help="Draw blurred, sharp and restored images, with details.")
    ] = None,
) -> None:
    """Measure models on pairs, side by side: quality with its spread, and cost."""
    if protocol not in (None, "full", "paper"):
        _fail(f"--protocol is full or paper, not {protocol}", 2)
    if engine not in ("onnx", "torch"):
        _fail(f"--engine is onnx or torch, not {engine}", 2)
    with _extra("train"):
        from unblur import evaluate as evaluation
        from unblur.errors import MetricError
        from unblur.metrics import DEFAULT
    from unblur.cli.progress import bar

    outputs = evaluation.Outputs(json, markdown, html, figure)
    with _clear_errors(), bar() as advance:
        try:
            evaluation.run(
                dataset,
                model or ["default"],
                protocol,
                layout=layout,
                blur=blur,
                metric_names=metric or DEFAULT,
                runtime=engine,
                tile=tile,
                costs=cost,
                outputs=outputs,
                advance=advance,
            )
        except MetricError as error:
            _fail(str(error), 2)


@app.command()
def robustness(
    photos: Annotated[
        Path | None,
        typer.Argument(help="Folder of sharp photos; by default scikit-image's four."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="Bundled name, ONNX file or checkpoint; again for more."),
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the card.")] = Path(
        "robustness"
    ),
    count: Annotated[int, typer.Option(min=1, help="Photos at most.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Which photos, shakes and noise.")] = 0,
) -> None:
    """Draw a model's robustness card: harm, noise, JPEG, blur, saturation, rotation, tiles."""
    with _extra("train"):
        from unblur import robustness as card
    from unblur.cli.progress import bar

    with _clear_errors(), bar() as advance:
        card.run(photos, model or ["default"], out, count, seed, advance)
    typer.echo(f"{out / 'card.html'}")


@app.command(no_args_is_help=True)
def export(
    checkpoint: Annotated[
        Path, typer.Argument(help="best.safetensors of a run folder, or an exported file of it.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="ONNX file to write.")],
    int8: Annotated[
        Path | None,
        typer.Option(
            metavar="PHOTOS",
            help="Convolutions in 8 bits, fitted to a folder of the training's sharp photos.",
        ),
    ] = None,
) -> None:
    """Turn a checkpoint into an ONNX file, and check that it computes the same."""
    with _extra("train"):
        from unblur.training.export import export as run
    with _clear_errors():
        differences = run(checkpoint, out, int8)
    amount = "at most" if int8 is None else "a root mean square of"
    for size, difference in differences.items():
        typer.echo(f"{size}: differs from PyTorch by {amount} {difference:.1e}")
    typer.echo(f"{out}  {out.stat().st_size / 2**20:.1f} MiB")


@app.command(context_settings={"auto_envvar_prefix": "UNBLUR"})
def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 7860,
    model: Annotated[
        list[str] | None,
        typer.Option(help=f"{options.MODEL.help} Again for more; the first is the default."),
    ] = None,
    tile: TileOption = None,
    token: Annotated[
        str | None,
        typer.Option(
            help="What every request must bring; in UNBLUR_TOKEN, ps does not show it.",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            help="Name that the server is reached by, not being localhost; again for more."
        ),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(help="Other web site, https://NAME, whose pages may use it; again for more."),
    ] = None,
    page: Annotated[bool, typer.Option(help="The web page, or the API alone.")] = True,
    max_mb: Annotated[int, typer.Option(min=1, help="Refuse uploads of more MiB than this.")] = 128,
    max_pixels: Annotated[int, _declared(options.MAX_PIXELS)] = 100_000_000,
    threads: Annotated[int, typer.Option(min=1, help="Photos at a time.")] = 2,
    queue: Annotated[int, typer.Option(min=0, help="Photos that may wait for their turn.")] = 16,
    timeout: Annotated[
        str, typer.Option(metavar="90s|9m|2h", help="Longest that a photo may take; not of jobs.")
    ] = "2m",
    jobs: Annotated[
        Path | None,
        typer.Option(help="Folder of the jobs; by default where programs keep their state."),
    ] = None,
    max_jobs: Annotated[int, typer.Option(min=0, help="Jobs kept, finished ones too.")] = 100,
    keep: Annotated[
        str, typer.Option(metavar="90s|9m|2h", help="How long finished jobs are kept.")
    ] = "24h",
) -> None:
    """Serve a web page and an HTTP API. Options may stand in the environment, as UNBLUR_PORT."""
    with _extra("serve"), _clear_errors():
        from unblur.serve import run
        from unblur.serve.settings import Settings

        run(
            Settings(
                host=host,
                port=port,
                model=tuple(model or ("default",)),
                tile=tile,
                token=token or None,
                allow_host=tuple(allow_host or ()),
                allow_origin=tuple(allow_origin or ()),
                page=page,
                max_mb=max_mb,
                max_pixels=max_pixels,
                threads=threads,
                queue=queue,
                timeout=_seconds("--timeout", timeout),
                jobs=jobs,
                max_jobs=max_jobs,
                keep=_seconds("--keep", keep),
            )
        )


@app.callback(invoke_without_command=True)
def main(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        typer.echo(f"unblur {__version__}")
        raise typer.Exit


@contextmanager
def _extra(name: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        _fail(f"this command needs the package {error.name}: pip install 'unblur[{name}]'", 1)


@contextmanager
def _clear_errors() -> Iterator[None]:
    """One clear line for what is wrong with the input; anything else is a bug and shows."""
    from unblur.errors import ModelError, UnblurError

    try:
        yield
    except UnblurError as error:
        _fail(str(error), 2 if isinstance(error, ModelError) else 1)


def _seconds(option: str, text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not match:
        _fail(f"{option} is a number of seconds, or like 90s, 9m, 2h; not {text}", 2)
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def _say(message: str) -> None:
    print(f"unblur: {message}", file=sys.stderr)


def _fail(message: str, code: int) -> NoReturn:
    _say(message)
    raise typer.Exit(code)
