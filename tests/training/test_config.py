from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from unblur.errors import ConfigError
from unblur.nets.paper import PaperConfig
from unblur.training import config as configs
from unblur.training.config import PhaseConfig, TrainConfig

ROOT = Path(__file__).parents[2]
CONFIGS = [*(ROOT / "configs").glob("*.toml"), *(ROOT / "experiments").rglob("*.toml")]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_a_config_survives_the_way_through_toml(path: Path) -> None:
    config = configs.load(path)
    assert configs.loads(configs.dumps(config)) == config


def test_the_papers_config_has_the_papers_numbers() -> None:
    config = configs.load(ROOT / "configs" / "paper.toml")
    (phase,) = config.phases
    assert config.network == PaperConfig()
    assert (phase.crop, phase.batch, phase.lr, phase.discriminator_steps) == (256, 1, 1e-4, 5)
    loss = phase.loss
    assert (loss.adversarial, loss.content, loss.pixel, loss.gradient) == (4, 0.6, 40, 40)
    assert (loss.frequency, loss.symmetric, loss.pixel_kind) == (0, False, "smooth_l1")
    assert (config.optimizer, config.betas) == ("adam", (0.9, 0.999))
    assert (config.data.resize, config.data.augment) == (256, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sed = 1\n[[phases]]\nsteps = 1", "unknown key sed; did you mean seed"),
        ("[[phases]]\nsteps = 1\nloss = {pixl = 1}", r"phases\[0\].loss.pixl; did you mean pixel"),
        ("[[phases]]\nsteps = '1'", r"phases\[0\].steps: expected a whole number, got a string"),
        ("generator = 'unet'\n[[phases]]\nsteps = 1", "generator must be one of gated-unet, paper"),
        ("[[phases]]\ncrop = 64", r"phases\[0\].steps is missing"),
        ("seed = 1", "phases is missing"),
        ("phases = []", "at least one"),
        (
            "schedule = 'time'\nphases = [{ steps = 1 }, { steps = 2 }]",
            'schedule = "time" is for a run of one phase',
        ),
        ("[[phases]]\nsteps = 1\ncrop = 64", r"crop = discriminator.size \(256\), not 64"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as raised:
        configs.load(path)
    assert str(path) in str(raised.value)


def test_files_that_are_no_config_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        configs.load(tmp_path / "none.toml")
    (tmp_path / "c.toml").write_text("= 3")
    with pytest.raises(ConfigError, match=r"c.toml: Invalid"):
        configs.load(tmp_path / "c.toml")


def test_overrides_replace_folders_and_content_weights() -> None:
    config = TrainConfig(phases=(PhaseConfig(steps=1), PhaseConfig(steps=2)))
    changed = configs.override(config, [Path("a"), Path("b")], Path("w.pth"))
    assert changed.data.dirs == (str(Path.cwd() / "a"), str(Path.cwd() / "b"))
    assert {p.loss.content_weights for p in changed.phases} == {str(Path.cwd() / "w.pth")}
    assert changed.steps == 3
    assert configs.override(config, None, None) == config
    assert configs.without_paths(changed) == config


def test_differing_configs_are_told_apart_by_name() -> None:
    config = TrainConfig(phases=(PhaseConfig(steps=1),))
    configs.require_equal(config, config, "it was made")
    for other, message in [
        (replace(config, seed=1), r"it was made with another seed \(0, not 1\)"),
        (
            replace(config, data=replace(config.data, min_scale=0.5)),
            r"another data.min_scale \(1.0, not 0.5\)",
        ),
        (TrainConfig(phases=(PhaseConfig(steps=2),)), "another phases:"),
    ]:
        with pytest.raises(ConfigError, match=message):
            configs.require_equal(other, config, "it was made")
