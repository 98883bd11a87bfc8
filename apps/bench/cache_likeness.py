"""How alike the attention outputs of neighbouring denoising steps are, by kind and step: what broadcasting rests on.

Runs the demo weights in PyTorch, since hooks on every attention are at hand there.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import torch
from diffusers import LattePipeline
from torch import Tensor

from recipe import score

STEPS = 50
MODEL = Path(__file__).resolve().parents[2] / "assets/demo"


class Likeness:
    """Holds each module's last output against the one before: cosine and relative change by kind and step."""

    def __init__(self) -> None:
        self.before: dict[str, Tensor] = {}
        self.step: dict[str, int] = defaultdict(int)
        self.values: dict[str, dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))

    def see(self, kind: str, name: str, output: Tensor) -> None:
        step, now = self.step[name], output.detach().flatten().double()
        if step > 0:
            before = self.before[name]
            cosine = torch.dot(now, before) / (now.norm() * before.norm())
            self.values[kind][step].append((cosine.item(), ((now - before).norm() / before.norm()).item()))
        self.before[name] = now
        self.step[name] = (step + 1) % STEPS

    def means(self) -> dict[str, list[list[float]]]:
        """By kind: [step, mean cosine, mean relative change]."""
        return {kind: [[step, *_mean(pairs)] for step, pairs in sorted(steps.items())] for kind, steps in self.values.items()}


def _mean(pairs: list[tuple[float, float]]) -> list[float]:
    return torch.tensor(pairs).mean(dim=0).tolist()


def _watch(transformer: torch.nn.Module, likeness: Likeness) -> None:
    for name, module in transformer.named_modules():
        if name.endswith((".attn1", ".attn2")):
            kind = "temporal" if name.startswith("temporal") else ("spatial" if name.endswith("attn1") else "cross")
            module.register_forward_hook(lambda _, __, output, kind=kind, name=name: likeness.see(kind, name, output))


def measure(prompts: list[str]) -> dict[str, list[list[float]]]:
    torch.set_num_threads(1)
    pipeline = LattePipeline.from_pretrained(MODEL, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    likeness = Likeness()
    _watch(pipeline.transformer, likeness)
    for seed, prompt in enumerate(prompts):
        pipeline(
            prompt, num_inference_steps=STEPS, guidance_scale=4.0, height=96, width=96, video_length=16,
            generator=torch.Generator().manual_seed(seed), output_type="latent", clean_caption=False,
        )  # fmt: skip
    return likeness.means()


def timesteps() -> list[int]:
    return [999 - 20 * step for step in range(STEPS)]


def print_table(means: dict[str, list[list[float]]]) -> None:
    parts = {"early, t >= 800": range(1, 10), "middle": range(10, 45), "late, t <= 100": range(45, STEPS)}
    print(f"{'':18}" + "".join(f"{kind:>22}" for kind in means) + "    cosine (relative change), means")
    for part, steps in parts.items():
        cells = [_mean([(row[1], row[2]) for row in rows if row[0] in steps]) for rows in means.values()]
        print(f"{part:18}" + "".join(f"{cosine:13.4f} ({change:6.4f})" for cosine, change in cells))


def draw(means: dict[str, list[list[float]]], picture: Path) -> None:
    import matplotlib.pyplot as plot

    figure, panels = plot.subplots(1, 2, figsize=(11, 4))
    for kind, rows in means.items():
        at = [timesteps()[int(row[0])] for row in rows]
        panels[0].plot(at, [row[1] for row in rows], label=kind)
        panels[1].plot(at, [row[2] for row in rows], label=kind)
    for panel, label in zip(panels, ("cosine with the step before", "relative change from the step before")):
        panel.set(xlabel="timestep (denoising runs to the right)", ylabel=label, xlim=(1000, 0))
        panel.legend()
    figure.tight_layout()
    figure.savefig(picture, dpi=90)


def run(arguments: argparse.Namespace) -> None:
    prompts = score.read_prompts(score.PROMPTS, arguments.prompts)
    means = measure(prompts)
    print(f"{len(prompts)} prompts, {STEPS} steps, guidance 4; attention outputs before the gate, both guidance branches")
    print_table(means)
    (arguments.work / "likeness.json").write_text(json.dumps(means))
    draw(means, arguments.work / "likeness.png")
