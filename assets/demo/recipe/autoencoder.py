"""Trains the autoencoder on single frames and scales its latents to unit variance.

Whole frames, never crops: group norms pool over what they see, so an autoencoder of crops washes out the colours of whole frames.
Several objects a frame, for edges are what is hard.
"""

from __future__ import annotations

import random
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

from recipe import device, loop, muon, scenes
from recipe.presets import Form, FramePhase, Preset

SCALING = 0.5  # LattePipeline knows one scalar; the rest goes into the 1x1 convolutions
NORM_GROUPS = 2  # more of them lose contrast between channels
EDGE_WEIGHT = 4.0  # of a pixel on an edge, against 1 on an even wall
SHARE_OF_ADAM = 1.0


def new_autoencoder(form: Form) -> AutoencoderKL:
    levels = len(form.channels)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels, up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=form.channels, layers_per_block=1, latent_channels=4, norm_num_groups=NORM_GROUPS,
        sample_size=form.size, scaling_factor=SCALING,
    )  # fmt: skip


def crowded_frame(form: Form, most: int, choose: random.Random) -> Tensor:
    """A frame of a clip with up to `most` objects, [Y, X, 3] of bytes: later clips lend their object's pixels to the first."""
    frame = choose.randrange(form.frames)
    first = scenes.draw_subject(choose)
    picture = scenes.render(first, form.frames, form.size, scenes.Jitter.drawn(choose, 3.0))[frame]
    for _ in range(choose.randrange(most)):
        other, jitter = scenes.draw_subject(choose), scenes.Jitter.drawn(choose, 3.0)
        lent = scenes.render(other, form.frames, form.size, jitter)[frame]
        cells = scenes.object_cells(other, form.frames, form.size, jitter, form.size)[frame]
        picture = torch.where(cells[..., None], lent, picture)
    return picture


def frame_batch(form: Form, phase: FramePhase, choose: random.Random) -> Tensor:
    """[B, 3, Y, X] of -1 to 1."""
    frames = torch.stack([crowded_frame(form, phase.objects, choose) for _ in range(phase.batch)])
    return frames.permute(0, 3, 1, 2).float() / 127.5 - 1


def _slopes(pictures: Tensor) -> tuple[Tensor, Tensor]:
    return pictures.diff(dim=-1), pictures.diff(dim=-2)


def edge_weights(pictures: Tensor) -> Tensor:
    """[B, 1, Y, X], 1 to EDGE_WEIGHT: how much pixels differ in their neighbourhood of 5 x 5."""
    reach = nn.functional.max_pool2d(pictures, 5, 1, 2) + nn.functional.max_pool2d(-pictures, 5, 1, 2)
    return 1 + (EDGE_WEIGHT - 1) * reach.mean(dim=1, keepdim=True).clamp(0, 1)


def reconstruction_loss(made: Tensor, wanted: Tensor) -> Tensor:
    error = made - wanted
    slopes = sum((a - b).abs().mean() for a, b in zip(_slopes(made), _slopes(wanted)))
    return ((error.abs() + error**2) * edge_weights(wanted)).mean() + 0.4 * slopes


def loss(model: AutoencoderKL, frames: Tensor, numbers: torch.Generator) -> Tensor:
    with device.autocast(frames.device):
        latents = model.encode(frames).latent_dist
        noise = torch.randn(latents.mean.shape, generator=numbers).to(frames.device)
        made = model.decode(latents.mean + latents.std * noise).sample
    return reconstruction_loss(made.float(), frames) + 1e-4 * latents.kl().mean()


def optimizers(models: nn.ModuleDict) -> list[torch.optim.Optimizer]:
    at_ends = ("conv_in", "encoder.conv_out", "decoder.conv_out", "quant_conv")
    matrices, others = [], []
    for name, parameter in models.named_parameters():
        is_inner = parameter.ndim >= 2 and not any(end in name for end in at_ends)
        (matrices if is_inner else others).append(parameter)
    return muon.optimizers(matrices, others, SHARE_OF_ADAM)


@torch.no_grad()
def absorb_statistics(model: AutoencoderKL, frames: Tensor) -> None:
    """Moves mean and scale of every latent channel into the convolutions around it, so that SCALING x latent is N(0, 1)."""
    latents = model.encode(frames).latent_dist.mean
    mean, scale = latents.mean(dim=(0, 2, 3)), SCALING * latents.std(dim=(0, 2, 3))
    count = len(mean)
    before, after = model.quant_conv, model.post_quant_conv
    before.bias[:count].sub_(mean)
    before.weight[:count].div_(scale.view(-1, 1, 1, 1))
    before.bias[:count].div_(scale)
    before.bias[count:].sub_(2 * scale.log())  # logarithms of variances
    after.bias.add_(after.weight[:, :, 0, 0] @ mean)
    after.weight.mul_(scale.view(1, -1, 1, 1))


def signal_to_noise(model: AutoencoderKL, frames: Tensor) -> float:
    """Decibels of pictures that went there and back."""
    made = model.decode(model.encode(frames).latent_dist.mean).sample.clamp(-1, 1)
    return float(-10 * torch.log10(((made - frames) / 2).square().mean()))


def train(preset: Preset, out: Path, where: torch.device, minutes: float | None) -> None:
    torch.manual_seed(preset.seed)
    model = new_autoencoder(preset.form).to(where, memory_format=torch.channels_last)
    models = nn.ModuleDict({"autoencoder": model})
    trainee = loop.Trainee(models, optimizers(models), decay=0.997)

    def loss_of(phase: FramePhase, draw: loop.Draw) -> Tensor:
        return loss(model, frame_batch(preset.form, phase, draw.choose).to(where), draw.numbers)

    loop.train("autoencoder", out / "checkpoints", trainee, loop.Schedule(preset.autoencoder, minutes), loss_of, preset.seed)
    fresh = frame_batch(preset.form, FramePhase(0, 128, objects=1), random.Random(f"{preset.seed}/statistics")).to(where)
    with torch.no_grad():
        print(f"autoencoder: {signal_to_noise(model, fresh):.1f} dB on new frames of one object", flush=True)
    absorb_statistics(model, fresh)
    model.to(torch.bfloat16).save_pretrained(out / "model/vae")
