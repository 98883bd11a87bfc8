"""Holds Kinescope against diffusers: `python -m recipe.compare_with_diffusers --kinescope PROGRAM`.

LattePipeline opens the model directory as it is, both start from the same noise, and frames may differ by 2 of 255 levels.
Ends with status 1 if they differ by more.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from diffusers import LattePipeline
from safetensors.torch import save_file
from torch import Tensor

from recipe import score

MODEL = Path(__file__).parents[1]
MOST = 2  # levels
STEPS, GUIDANCE = 25, 4.0


def noise_for(pipeline: LattePipeline, seed: int) -> Tensor:
    """[1, C, T, Y, X] at the sizes the transformer was trained on."""
    form = pipeline.transformer.config
    shape = (1, form.in_channels, form.video_length, form.sample_size, form.sample_size)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def frames_of_diffusers(pipeline: LattePipeline, prompt: str, noise: Tensor) -> np.ndarray:
    """[T, Y, X, 3] of bytes."""
    side = pipeline.vae_scale_factor * noise.shape[-1]
    video = pipeline(
        prompt, latents=noise, num_inference_steps=STEPS, guidance_scale=GUIDANCE, height=side, width=side,
        video_length=noise.shape[2], output_type="np", clean_caption=False,
    ).frames[0]  # fmt: skip
    return (video * 255).round().astype(np.uint8)


def frames_of_kinescope(program: str, model: Path, prompt: str, noise: Tensor, folder: Path) -> np.ndarray:
    save_file({"noise": noise[0].contiguous()}, folder / "noise.safetensors")
    command = [program, "generate", "--model", str(model), "--prompt", prompt, "--latents", f"{folder}/noise.safetensors:noise"]
    command += ["--steps", str(STEPS), "--guidance-scale", str(GUIDANCE), "-q", "-y", "-o", f"{folder}/%04d.png"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return score.read_clip(folder)


def difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    if first.shape != second.shape:
        raise ValueError(f"frames of one shape expected, got {first.shape} of diffusers and {second.shape} of kinescope")
    return np.abs(first.astype(int) - second.astype(int))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinescope", default="kinescope", help="the program")
    parser.add_argument("--model", type=Path, default=MODEL, help="model directory")
    parser.add_argument("--limit", type=int, default=4, help="how many of the scorer's prompts")
    arguments = parser.parse_args()
    pipeline = LattePipeline.from_pretrained(arguments.model, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    worst = 0
    for seed, prompt in enumerate(score.read_prompts(score.PROMPTS, arguments.limit)):
        noise = noise_for(pipeline, seed)
        with tempfile.TemporaryDirectory() as folder:
            ours = frames_of_kinescope(arguments.kinescope, arguments.model, prompt, noise, Path(folder))
        apart = difference(frames_of_diffusers(pipeline, prompt, noise), ours)
        print(f"{prompt}: at most {apart.max()} levels apart, {100 * (apart == 0).mean():.2f} % of values the same", flush=True)
        worst = max(worst, int(apart.max()))
    sys.exit(worst > MOST)


if __name__ == "__main__":
    main()
