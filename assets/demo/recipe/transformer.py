"""Trains the transformer on cached clips and frozen text states: velocities of a variance-preserving diffusion."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import DDIMScheduler, LatteTransformer3DModel
from torch import Tensor, nn
from transformers import T5EncoderModel, T5Tokenizer

from recipe import captions, device, latte, loop, muon
from recipe.clips import Clips
from recipe.presets import LAYOUT_ENDS, ClipPhase, Preset

STEPS = 1000
DROPPED = 0.1  # captions replaced by the empty prompt, for guidance
SHARE_OF_ADAM = 1 / 3


def new_scheduler() -> DDIMScheduler:
    """Linear betas are noisier than the cosine's, which suits video: all tokens of a clip share one layout."""
    return DDIMScheduler(
        num_train_timesteps=STEPS, beta_start=1e-4, beta_end=0.02, beta_schedule="linear", clip_sample=False, set_alpha_to_one=True,
        prediction_type="v_prediction", rescale_betas_zero_snr=True, timestep_spacing="trailing",
    )  # fmt: skip


@dataclass(frozen=True)
class Batch:
    latents: Tensor  # [B, C, T, Y, X]
    cells: Tensor  # [B, T, Y, X]
    tokens: Tensor  # [B, L]
    lengths: Tensor  # [B]
    places: slice  # of the frames in a whole clip


class Course:
    """Draws batches and says how wrong the models are on them."""

    def __init__(self, models: nn.ModuleDict, tokenizer: T5Tokenizer, clips: Clips, where: torch.device) -> None:
        self.models, self.tokenizer, self.clips, self.where = models, tokenizer, clips, where
        self.alphas = new_scheduler().alphas_cumprod.to(where)
        self.predict = torch.compile(latte.predict, dynamic=False) if device.has_compiler(where) else latte.predict

    def loss(self, phase: ClipPhase, draw: loop.Draw) -> Tensor:
        batch = self.batch(phase, draw)
        timesteps = stratified(phase.batch, draw.numbers, phase.first_timestep).to(self.where)
        noise = torch.randn(batch.latents.shape, generator=draw.numbers).to(self.where)
        dropped = (torch.rand(phase.batch, generator=draw.numbers) < DROPPED).to(self.where)
        alpha = self.alphas[timesteps].view(-1, 1, 1, 1, 1)
        noisy, velocity = alpha.sqrt() * batch.latents + (1 - alpha).sqrt() * noise, alpha.sqrt() * noise - (1 - alpha).sqrt() * batch.latents
        with device.autocast(self.where):
            text = latte.encode_text(self.models["text_encoder"], batch.tokens, batch.lengths, dropped)
            predicted = self.predict(self.models["transformer"], noisy, timesteps, text, batch.places)
        weights = error_weights(batch.cells, timesteps, phase.object_weight)
        return ((predicted.float() - velocity) ** 2 * weights).mean()

    def batch(self, phase: ClipPhase, draw: loop.Draw) -> Batch:
        chosen = draw.choose.sample(range(len(self.clips.subjects)), phase.batch)
        places = slice(draw.choose.randrange(phase.every), None, phase.every)
        said = [captions.caption(self.clips.subjects[index], phase.canonical_share, draw.choose) for index in chosen]
        words = self.tokenizer(said, padding="longest", return_tensors="pt")
        return Batch(
            self.clips.latents[chosen][:, :, places].float().to(self.where),
            self.clips.cells[chosen][:, places].to(self.where),
            words.input_ids.to(self.where),
            words.attention_mask.sum(dim=1).to(self.where),
            places,
        )


def stratified(count: int, numbers: torch.Generator, first: int = 0) -> Tensor:
    """Timesteps from `first`, one from each of `count` even parts."""
    parts = torch.arange(count) + torch.rand(count, generator=numbers)
    return (first + parts / count * (STEPS - first)).long().clamp(max=STEPS - 1)


def error_weights(cells: Tensor, timesteps: Tensor, object_weight: float) -> Tensor:
    """[B, 1, T, Y, X]: objects are small, so their shape is learned late unless their cells count more once the layout stands."""
    counts_more = cells & (timesteps < LAYOUT_ENDS).view(-1, 1, 1, 1)
    return torch.where(counts_more, object_weight, 1.0)[:, None]


def trained_encoder(model: Path) -> T5EncoderModel:
    """Frozen."""
    return T5EncoderModel.from_pretrained(model / "text_encoder", dtype=torch.float32).requires_grad_(False)


def new_models(preset: Preset, encoder: T5EncoderModel) -> nn.ModuleDict:
    torch.manual_seed(preset.seed)
    return nn.ModuleDict({"text_encoder": encoder, "transformer": latte.new_transformer(preset.form)})


def trained_models(model: Path, encoder: T5EncoderModel) -> nn.ModuleDict:
    transformer = LatteTransformer3DModel.from_pretrained(model / "transformer", dtype=torch.float32)
    return nn.ModuleDict({"text_encoder": encoder, "transformer": transformer})


def optimizers(models: nn.ModuleDict) -> list[torch.optim.Optimizer]:
    return muon.optimizers(*latte.parameters(models["transformer"]), SHARE_OF_ADAM)
