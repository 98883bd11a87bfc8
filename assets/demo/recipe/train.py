"""Makes weights: `python -m recipe.train --preset cpu --out DIR`, every stage one after the other, or one of them.

DIR/model becomes a diffusers directory; DIR/checkpoints and DIR/clips hold what a run that was stopped goes on from: the same
command again. With --continue-from, all parts are a model's, and its transformer learns on; with --new-text-encoder too, it learns to
read another encoder's states.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, LattePipeline
from transformers import T5Tokenizer

from recipe import autoencoder, captions, clips, device, export, loop, sheets, text_encoder, tokenizer, transformer
from recipe.presets import PRESETS, ClipPlan, Preset

SHEET_PROMPTS = 8


@dataclass(frozen=True)
class Order:
    """What was asked for on the command line."""

    preset: Preset
    out: Path
    continue_from: Path | None
    minutes: float | None
    has_new_encoder: bool
    where: torch.device

    @property
    def plan(self) -> ClipPlan:
        return self.preset.continued if self.continue_from else self.preset.scratch


def make_tokenizer(order: Order) -> None:
    if order.continue_from:
        _take(order.continue_from / "tokenizer", order.out / "model/tokenizer")
    else:
        tokenizer.train(order.out / "model/tokenizer")


def make_autoencoder(order: Order) -> None:
    if order.continue_from:
        _take(order.continue_from / "vae", order.out / "model/vae")
    else:
        autoencoder.train(order.preset, order.out, order.where, order.minutes)


def _take(source: Path, target: Path) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True)
    print(f"{target.name}: taken from {source}", flush=True)


def make_text_encoder(order: Order) -> None:
    if order.continue_from and not order.has_new_encoder:
        _take(order.continue_from / "text_encoder", order.out / "model/text_encoder")
    else:
        text_encoder.train(order.preset, order.out, order.where)


def make_clips(order: Order) -> None:
    model = AutoencoderKL.from_pretrained(order.out / "model/vae", dtype=torch.float32)
    model = model.eval().to(order.where, memory_format=torch.channels_last)
    clips.prepare(order.out / "clips", order.preset.form, order.plan, order.preset.seed, model)


def _trainee(order: Order) -> loop.Trainee:
    encoder, source = transformer.trained_encoder(order.out / "model"), order.continue_from
    models = transformer.trained_models(source, encoder) if source else transformer.new_models(order.preset, encoder)
    models = models.to(order.where).train()
    return loop.Trainee(models, transformer.optimizers(models), order.preset.average)


def make_transformer(order: Order) -> None:
    words = T5Tokenizer.from_pretrained(order.out / "model/tokenizer")
    trainee = _trainee(order)
    seen = clips.load(order.out / "clips", order.plan, order.preset.seed)
    course = transformer.Course(trainee.models, words, seen, order.where)
    schedule = loop.Schedule(order.plan.phases, order.minutes)
    loop.train("transformer", order.out / "checkpoints", trainee, schedule, course.loss, order.preset.seed)


def make_export(order: Order) -> None:
    """From the last checkpoint, whether or not training has ended."""
    trainee = _trainee(order)
    trainee.restore(torch.load(order.out / "checkpoints/transformer.pt", weights_only=True))
    trainee.load_average()
    words = (order.continue_from / "words.json").read_text() if order.continue_from else export.card()
    export.write(trainee.models, order.out / "model", words)


def make_sheet(order: Order) -> None:
    """One prompt a call: of several, the pipeline pads the texts, a form that the weights have not seen."""
    pipeline = LattePipeline.from_pretrained(order.out / "model", dtype=torch.float32).to(order.where)
    pipeline.set_progress_bar_config(disable=True)
    form, made = order.preset.form, []
    for seed, subject in enumerate(captions.held_out_subjects(SHEET_PROMPTS)):
        video = pipeline(
            captions.canonical(subject), num_inference_steps=25, guidance_scale=4.0, height=form.size, width=form.size,
            video_length=form.frames, generator=torch.Generator().manual_seed(seed), output_type="pt", clean_caption=False,
        ).frames[0]  # fmt: skip
        made.append((video.permute(0, 2, 3, 1) * 255).round().to(torch.uint8))
    sheets.write(order.out / "sheet.png", made)
    print(f"sheet: {order.out / 'sheet.png'}", flush=True)


STAGES: dict[str, Callable[[Order], None]] = {
    "tokenizer": make_tokenizer, "autoencoder": make_autoencoder, "text_encoder": make_text_encoder, "clips": make_clips,
    "transformer": make_transformer, "export": make_export, "sheet": make_sheet,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the model, its checkpoints and clips")
    parser.add_argument("--stage", choices=STAGES, action="append", help="only this stage; may be repeated")
    parser.add_argument("--continue-from", type=Path, metavar="MODEL_DIR", help="learn on from these weights")
    parser.add_argument("--new-text-encoder", action="store_true", help="with --continue-from: do not take that model's")
    parser.add_argument("--minutes", type=float, help="train autoencoder and transformer for so long instead of the preset's steps")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of the processor")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    order = Order(PRESETS[arguments.preset], arguments.out, arguments.continue_from, arguments.minutes, arguments.new_text_encoder, device.pick())
    for stage in arguments.stage or STAGES:
        STAGES[stage](order)


if __name__ == "__main__":
    main()
