"""Schedules, the optimizer, and that a killed run ends where an uninterrupted one does."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from recipe import autoencoder, captions, clips, keeping, latte, loop, muon, text_encoder, tokenizer, transformer, vocabulary
from recipe.presets import PRESETS, ClipPhase, ClipPlan, FramePhase, Preset, TextPhase

TINY = replace(
    PRESETS["smoke"],
    autoencoder=(FramePhase(4, 2, objects=2),),
    scratch=ClipPlan(4, (ClipPhase(5, 2, 2, 3e-3, 1e-3, object_weight=4), ClipPhase(4, 2, 1, 1e-3))),
)


def random_clips(preset: Preset) -> clips.Clips:
    """Training does not ask whether latents show anything."""
    count, side, numbers = preset.scratch.clips, preset.form.cells, torch.Generator().manual_seed(3)
    latents = torch.randn(count, 4, preset.form.frames, side, side, generator=numbers)
    cells = torch.rand(count, preset.form.frames, side, side, generator=numbers) < 0.2
    return clips.Clips(latents.half(), cells, [clips.draw(preset.scratch, 1, index)[0] for index in range(count)])


class Killed(Exception):
    pass


def train_transformer(folder: Path, words: Path, killed_at: int | None = None) -> dict[str, Tensor]:
    opened = transformer.T5Tokenizer.from_pretrained(words)
    torch.manual_seed(2)
    models = transformer.new_models(TINY, latte.new_text_encoder(len(opened)).requires_grad_(False))
    course = transformer.Course(models, opened, random_clips(TINY), torch.device("cpu"))
    trainee = loop.Trainee(models, transformer.optimizers(models), TINY.average)

    def loss(phase: ClipPhase, draw: loop.Draw) -> Tensor:
        if trainee.step == killed_at:
            raise Killed
        return course.loss(phase, draw)

    loop.train("transformer", folder, trainee, loop.Schedule(TINY.scratch.phases), loss, TINY.seed)
    return {name: value.clone() for name, value in models.state_dict().items()}


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer.train(folder)
    return folder


@pytest.mark.parametrize("killed_at", [2, 6])
def test_a_killed_run_ends_with_the_weights_of_an_uninterrupted_one(
    tmp_path: Path, words: Path, killed_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", 0.0)
    whole = train_transformer(tmp_path / "whole", words)
    with pytest.raises(Killed):
        train_transformer(tmp_path / "killed", words, killed_at)
    resumed = train_transformer(tmp_path / "killed", words)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_kill_while_saving_leaves_the_older_checkpoint(tmp_path: Path) -> None:
    class Unwilling:
        def __reduce__(self) -> tuple:
            raise Killed

    keeping.save(tmp_path / "state.pt", {"step": 1})
    with pytest.raises(Killed):
        keeping.save(tmp_path / "state.pt", {"step": 2, "rest": Unwilling()})
    assert torch.load(tmp_path / "state.pt") == {"step": 1}


def test_training_lowers_the_loss_of_the_autoencoder(tmp_path: Path) -> None:
    model = autoencoder.new_autoencoder(TINY.form)
    models = nn.ModuleDict({"autoencoder": model})
    frames = autoencoder.frame_batch(TINY.form, TINY.autoencoder[0], loop.Draw.of(1, "frames", 0).choose)
    losses = []

    def loss(phase: FramePhase, draw: loop.Draw) -> Tensor:
        losses.append(autoencoder.loss(model, frames, draw.numbers))
        return losses[-1]

    trainee = loop.Trainee(models, autoencoder.optimizers(models), 0.9)
    loop.train("autoencoder", tmp_path, trainee, loop.Schedule((FramePhase(25, 2, objects=2),)), loss, 1)
    assert losses[-1] < 0.7 * losses[0]


@torch.no_grad()
def test_absorbing_statistics_scales_latents_and_leaves_pictures_alone() -> None:
    torch.manual_seed(4)
    model = autoencoder.new_autoencoder(TINY.form)
    frames = autoencoder.frame_batch(TINY.form, replace(TINY.autoencoder[0], batch=8), loop.Draw.of(2, "frames", 0).choose)
    before = model.decode(model.encode(frames).latent_dist.mean).sample
    spread = model.encode(frames).latent_dist.std
    scale = autoencoder.SCALING * model.encode(frames).latent_dist.mean.std(dim=(0, 2, 3))
    autoencoder.absorb_statistics(model, frames)
    latents = model.encode(frames).latent_dist
    assert torch.allclose(autoencoder.SCALING * latents.mean.std(dim=(0, 2, 3)), torch.ones(4), atol=1e-4)
    assert torch.allclose(latents.mean.mean(dim=(0, 2, 3)), torch.zeros(4), atol=1e-4)
    assert torch.allclose(latents.std * scale.view(1, -1, 1, 1), spread, rtol=1e-3)
    assert torch.allclose(model.decode(latents.mean).sample, before, atol=1e-4)


def test_orthogonal_brings_singular_values_near_one() -> None:
    matrices = torch.randn(3, 40, 24, generator=torch.Generator().manual_seed(5))
    values = torch.linalg.svdvals(muon.orthogonal(matrices))
    assert 0.6 < values.min() and values.max() < 1.3


def test_minutes_share_the_time_by_cost_and_end_the_run() -> None:
    phases = (FramePhase(10, 8, 1), FramePhase(30, 8, 1))
    schedule = loop.Schedule(phases, minutes=1.0)
    assert schedule.at(999, 7.5) == (phases[0], 0.5)
    assert schedule.at(0, 37.5) == (phases[1], 0.5)
    assert schedule.at(0, 60.0) is None


def test_steps_pass_from_phase_to_phase() -> None:
    phases = (FramePhase(10, 8, 1), FramePhase(30, 8, 1))
    assert loop.Schedule(phases).at(10, 0.0) == (phases[1], 0.0)
    assert loop.Schedule(phases).at(40, 0.0) is None


def test_the_text_encoder_tells_whose_a_colour_is(tmp_path: Path, words: Path) -> None:
    """A bag of words would be right half of the time."""
    opened = transformer.T5Tokenizer.from_pretrained(words)
    models = text_encoder.new_models(TINY, opened)
    trainee = loop.Trainee(models, text_encoder.optimizers(models), 0.9)
    schedule = loop.Schedule((TextPhase(150, 48),))
    loop.train("text_encoder", tmp_path, trainee, schedule, lambda *turn: text_encoder.loss(models, opened, *turn), 1)
    alike = [each for each in captions.held_out_subjects(400) if vocabulary.could_change_places(each)]
    given = text_encoder.answers(models, opened, [captions.canonical(each) for each in alike])
    for name in ("colour", "background"):
        right = text_encoder.right_answers(alike)[name]
        assert (given[name].argmax(1) == right).float().mean() > 0.95, name


def test_the_tokenizer_keeps_words_whole(words: Path) -> None:
    opened = transformer.T5Tokenizer.from_pretrained(words)
    pieces = opened.tokenize("a purple diamond bouncing over the ocean")
    assert pieces == ["▁a", "▁purple", "▁diamond", "▁bouncing", "▁over", "▁the", "▁ocean"]
    assert opened("").input_ids == [1]
