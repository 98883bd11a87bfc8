"""Clips as latents, encoded once and kept in shards, so that training neither renders nor encodes.

A clip is a function of the seed and its number alone: a run that was stopped goes on with the first missing shard.
"""

from __future__ import annotations

import os
import random
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch import Tensor

from recipe import device, keeping, scenes
from recipe import vocabulary as words
from recipe.presets import ClipPlan, Form
from recipe.vocabulary import Subject

SHARD = 64


@dataclass(frozen=True)
class Clips:
    """Encoded clips, as the transformer sees them, and what they show."""

    latents: Tensor  # [N, C, T, Y, X], of unit variance
    cells: Tensor  # [N, T, Y, X], true where the object is
    subjects: list[Subject]


def draw(plan: ClipPlan, seed: int, index: int) -> tuple[Subject, scenes.Jitter]:
    choose = random.Random(f"{seed}/clip/{index}")
    wants_look_alike = choose.random() < plan.look_alikes
    subject = scenes.draw_subject(choose)
    while wants_look_alike and not words.could_change_places(subject):
        subject = scenes.draw_subject(choose)
    return subject, scenes.Jitter.drawn(choose, plan.variety)


def render(form: Form, plan: ClipPlan, seed: int, index: int) -> tuple[Tensor, Tensor]:
    """Pixels [T, Y, X, 3] and the object's cells [T, Y, X]."""
    torch.set_num_threads(1)
    subject, jitter = draw(plan, seed, index)
    cells = scenes.object_cells(subject, form.frames, form.size, jitter, form.cells)
    return scenes.render(subject, form.frames, form.size, jitter), cells


def encode(autoencoder: AutoencoderKL, pixels: Tensor) -> Tensor:
    """[T, Y, X, 3] of bytes to [C, T, y, x] of unit variance."""
    frames = pixels.to(autoencoder.device).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad(), device.autocast(autoencoder.device):
        latents = autoencoder.encode(frames).latent_dist.mean
    return latents.float().transpose(0, 1).mul(autoencoder.config.scaling_factor).half().cpu()


def shard_path(folder: Path, number: int) -> Path:
    return folder / f"shard_{number:05d}.pt"


def prepare(folder: Path, form: Form, plan: ClipPlan, seed: int, autoencoder: AutoencoderKL) -> None:
    """Makes the shards that are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [number for number in range(-(-plan.clips // SHARD)) if not shard_path(folder, number).exists()]
    workers = max(1, (os.cpu_count() or 1) - 1) if autoencoder.device.type == "cuda" else 1
    with ProcessPoolExecutor(workers) as pool:
        for number in missing:
            started = time.monotonic()
            numbers = range(number * SHARD, min((number + 1) * SHARD, plan.clips))
            keeping.save(shard_path(folder, number), _shard(pool, form, plan, seed, numbers, autoencoder))
            print(f"clips: shard {number}, {len(numbers) / (time.monotonic() - started):.2f} clips/s", flush=True)


def _shard(pool: Executor, form: Form, plan: ClipPlan, seed: int, numbers: range, autoencoder: AutoencoderKL) -> dict:
    drawn: list[Future] = [pool.submit(render, form, plan, seed, index) for index in numbers]
    rendered = [each.result() for each in drawn]
    latents = torch.stack([encode(autoencoder, pixels) for pixels, _ in rendered])
    return {"latents": latents, "cells": torch.stack([cells for _, cells in rendered])}


def load(folder: Path, plan: ClipPlan, seed: int) -> Clips:
    shards = [torch.load(shard_path(folder, number)) for number in range(-(-plan.clips // SHARD))]
    parts = {name: torch.cat([shard[name] for shard in shards])[: plan.clips] for name in ("latents", "cells")}
    return Clips(parts["latents"], parts["cells"], [draw(plan, seed, index)[0] for index in range(plan.clips)])
