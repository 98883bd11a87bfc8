"""The training pass is written anew; what it predicts must be what diffusers and its pipeline predict."""

from pathlib import Path

import pytest
import torch
from torch import nn

from recipe import latte, transformer

MODEL = Path(__file__).parents[2]
ROUNDING = 1e-4  # predictions reach 5; sums of 160 products in another order differ by some 1e-6


@pytest.fixture(scope="module")
def models() -> nn.ModuleDict:
    return transformer.trained_models(MODEL, transformer.trained_encoder(MODEL)).eval()


def noisy_clips() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(2, 4, 16, 12, 12, generator=torch.Generator().manual_seed(1)), torch.tensor([3, 700])


TOKENS = torch.randint(3, 150, (2, 9), generator=torch.Generator().manual_seed(2))
LENGTHS = torch.tensor([9, 6])


@torch.no_grad()
def test_every_clip_of_a_batch_gets_what_diffusers_gives_it_alone(models: nn.ModuleDict) -> None:
    latents, timesteps = noisy_clips()
    text = latte.encode_text(models["text_encoder"], TOKENS, LENGTHS, torch.tensor([False, False]))
    made = latte.predict(models["transformer"], latents, timesteps, text, slice(None))
    for clip, length in enumerate(LENGTHS):
        states = models["text_encoder"](input_ids=TOKENS[clip : clip + 1, :length]).last_hidden_state
        wanted = models["transformer"](latents[clip : clip + 1], timesteps[clip : clip + 1], states).sample[0, :4]
        assert (made[clip] - wanted).abs().max() < ROUNDING


@torch.no_grad()
def test_a_dropped_caption_is_the_pipelines_negative_prompt(models: nn.ModuleDict) -> None:
    states, mask = latte.encode_text(models["text_encoder"], TOKENS, LENGTHS, torch.tensor([True, True]))
    padded = torch.tensor([[1] + [0] * 119])
    wanted = models["text_encoder"](input_ids=padded, attention_mask=padded).last_hidden_state
    assert (states - wanted[:, :9]).abs().max() < ROUNDING
    assert (mask == 0).sum(dim=1).tolist() == LENGTHS.tolist()


@torch.no_grad()
def test_every_second_frame_keeps_its_place_in_the_clip(models: nn.ModuleDict) -> None:
    latents, timesteps = noisy_clips()
    text = latte.encode_text(models["text_encoder"], TOKENS, LENGTHS, torch.tensor([False, False]))
    made = latte.predict(models["transformer"], latents[:, :, 1::2], timesteps, text, slice(1, None, 2))
    whole = models["transformer"].temp_pos_embed
    models["transformer"].temp_pos_embed = whole[:, 1::2]
    states = models["text_encoder"](input_ids=TOKENS[:1]).last_hidden_state
    wanted = models["transformer"](latents[:1, :, 1::2], timesteps[:1], states).sample[0, :4]
    models["transformer"].temp_pos_embed = whole
    assert (made[0] - wanted).abs().max() < ROUNDING


def test_timesteps_come_from_even_parts() -> None:
    timesteps = transformer.stratified(10, torch.Generator().manual_seed(1))
    assert (timesteps // 100).tolist() == list(range(10))


def test_timesteps_may_leave_the_first_out() -> None:
    timesteps = transformer.stratified(8, torch.Generator().manual_seed(1), first=600)
    assert ((timesteps - 600) // 50).tolist() == list(range(8))


def test_object_cells_count_more_once_the_layout_stands() -> None:
    cells = torch.tensor([True, False]).view(1, 1, 1, 2).expand(2, 1, 1, 2)
    weights = transformer.error_weights(cells, torch.tensor([100, 900]), 4.0)
    assert weights.flatten().tolist() == [4, 1, 1, 1]
