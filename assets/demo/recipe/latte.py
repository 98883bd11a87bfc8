"""Text encoder and transformer, and the forward pass that trains them.

The modules are those of transformers and diffusers, so that export is a matter of saving. The pass is written anew, for short
sequences on few cores: softmax(QK)V spelled out (the fused kernel's backward took half of a step), text and modulation computed
once a clip instead of once a frame, only the half of the output that is used. `tests/test_latte.py` holds it against diffusers.

Letters of shapes: B clips, T frames, N tokens of a frame, L tokens of text, D channels.
"""

from __future__ import annotations

import torch
from diffusers import LatteTransformer3DModel
from torch import Tensor, nn
from torch.nn import functional
from transformers import T5Config, T5EncoderModel

from recipe.presets import Form

HEAD = 32
LATENT_CHANNELS = 4
TEXT_CHANNELS = 128
NEIGHBOURS = (1, 17, 2, 18)  # T5's buckets of the word before, after, two before, two after
NEARNESS = 3.0  # what their attention scores get on top


def new_text_encoder(vocabulary: int) -> T5EncoderModel:
    """Heads that look at one neighbour each, to begin with: what a word belongs to stands beside it."""
    encoder = T5EncoderModel(
        T5Config(
            vocab_size=vocabulary, d_model=TEXT_CHANNELS, d_kv=HEAD, num_heads=4, d_ff=256, num_layers=2, dropout_rate=0.0,
            feed_forward_proj="gated-gelu", is_encoder_decoder=False, use_cache=False, tie_word_embeddings=True,
        )  # fmt: skip
    )
    bias = encoder.encoder.block[0].layer[0].SelfAttention.relative_attention_bias.weight
    with torch.no_grad():
        for head, bucket in enumerate(NEIGHBOURS):
            bias[bucket, head] += NEARNESS
    return encoder


def new_transformer(form: Form) -> LatteTransformer3DModel:
    model = LatteTransformer3DModel(
        num_attention_heads=form.heads, attention_head_dim=HEAD, in_channels=LATENT_CHANNELS, out_channels=2 * LATENT_CHANNELS,
        num_layers=form.pairs, cross_attention_dim=form.heads * HEAD, attention_bias=True, sample_size=form.cells, patch_size=2,
        activation_fn="gelu-approximate", num_embeds_ada_norm=1000, norm_type="ada_norm_single", norm_elementwise_affine=False,
        norm_eps=1e-6, caption_channels=TEXT_CHANNELS, video_length=form.frames,
    )  # fmt: skip
    # Nothing moves at first: every residual branch and the output start at zero.
    for name, parameter in model.named_parameters():
        if name.startswith("proj_out") or name.endswith(("to_out.0.weight", "to_out.0.bias", "ff.net.2.weight", "ff.net.2.bias")):
            nn.init.zeros_(parameter)
    return model


def _attend(attention: nn.Module, queries: Tensor, context: Tensor, repeats: int = 1, mask: Tensor | None = None) -> Tensor:
    """queries [S, N, D]; context [S / repeats, M, D], each of which serves `repeats` sequences; mask [S / repeats, M], 0 or -inf."""

    def split(tokens: Tensor) -> Tensor:
        return tokens.unflatten(-1, (attention.heads, -1)).transpose(1, 2)

    query = attention.to_q(queries).unflatten(0, (-1, repeats)).flatten(1, 2)  # [S / repeats, repeats N, D]
    key, value = split(attention.to_k(context)), split(attention.to_v(context))
    scores = split(query) @ key.mT * attention.scale
    if mask is not None:
        scores = scores + mask[:, None, None, :]
    mixed = scores.float().softmax(dim=-1).to(value.dtype) @ value
    return attention.to_out[0](mixed.transpose(1, 2).flatten(2)).reshape(queries.shape)


def _block(block: nn.Module, x: Tensor, modulation: Tensor, text: tuple[Tensor, Tensor] | None) -> Tensor:
    """x [B, S, N, D]: attention over N. modulation [B, 6, D]; text: states [B, L, D] and mask [B, L]."""
    shift, scale, gate, shift_mlp, scale_mlp, gate_mlp = (block.scale_shift_table + modulation)[:, :, None, None].unbind(1)
    width = (x.shape[-1],)
    normed = functional.layer_norm(x, width, eps=1e-6) * (1 + scale) + shift
    rows = normed.flatten(0, 1)
    x = x + gate * _attend(block.attn1, rows, rows).view(x.shape)
    if text is not None:
        x = x + _attend(block.attn2, x.flatten(0, 1), text[0], repeats=x.shape[1], mask=text[1]).view(x.shape)
    normed = functional.layer_norm(x, width, eps=1e-6) * (1 + scale_mlp) + shift_mlp
    hidden = functional.gelu(block.ff.net[0].proj(normed), approximate="tanh")
    return x + gate_mlp * block.ff.net[2](hidden)


def _unpatch(tokens: Tensor, channels: int) -> Tensor:
    """[B, T, N, 4 x channels] to [B, channels, T, Y, X], patches of 2 x 2."""
    batch, frames, count, _ = tokens.shape
    side = round(count**0.5)
    cells = tokens.view(batch, frames, side, side, 2, 2, channels)
    return cells.permute(0, 6, 1, 2, 4, 3, 5).reshape(batch, channels, frames, 2 * side, 2 * side)


def predict(model: LatteTransformer3DModel, latents: Tensor, timesteps: Tensor, text: tuple[Tensor, Tensor], places: slice) -> Tensor:
    """The velocity, [B, C, T, Y, X], of latents of that shape, whose frames stand at `places` of a whole clip."""
    batch, channels, frames = latents.shape[:3]
    x = model.pos_embed(latents.transpose(1, 2).flatten(0, 1)).unflatten(0, (batch, frames))
    embedded = model.adaln_single.emb.timestep_embedder(model.adaln_single.emb.time_proj(timesteps).to(x.dtype))
    modulation = model.adaln_single.linear(functional.silu(embedded)).unflatten(-1, (6, -1))
    states, mask = model.caption_projection(text[0]), text[1]
    for index, (spatial, temporal) in enumerate(zip(model.transformer_blocks, model.temporal_transformer_blocks)):
        x = _block(spatial, x, modulation, (states, mask)).transpose(1, 2)
        if index == 0:
            x = x + model.temp_pos_embed[:, None, places].to(x.dtype)
        x = _block(temporal, x, modulation, None).transpose(1, 2)
    shift, scale = (model.scale_shift_table[None] + embedded[:, None])[:, :, None, None].unbind(1)
    x = functional.layer_norm(x, (x.shape[-1],), eps=1e-6) * (1 + scale) + shift
    # Every patch has 2 x 2 x 2 C outputs; the second C would be a variance, which is not trained.
    weight = model.proj_out.weight.unflatten(0, (4, -1))[:, :channels].flatten(0, 1)
    bias = model.proj_out.bias.unflatten(0, (4, -1))[:, :channels].flatten()
    return _unpatch(functional.linear(x, weight, bias), channels)


def encode_text(encoder: T5EncoderModel, tokens: Tensor, lengths: Tensor, dropped: Tensor) -> tuple[Tensor, Tensor]:
    """States [B, L, D] and the cross attention's mask [B, L], in the form that LattePipeline gives one prompt.

    It cuts a prompt at its last token, and the empty prompt, an end token and padding, at that same place without masking the
    padding. So a dropped caption is the empty prompt, seen through the mask of the caption that it replaces.
    """
    end, padding = encoder.config.eos_token_id, encoder.config.pad_token_id
    place = torch.arange(tokens.shape[1], device=tokens.device)
    empty = torch.where(place == 0, end, padding).expand_as(tokens)
    seen = place < torch.where(dropped, 1, lengths)[:, None]
    states = encoder(input_ids=torch.where(dropped[:, None], empty, tokens), attention_mask=seen.long()).last_hidden_state
    mask = torch.zeros(tokens.shape, device=tokens.device).masked_fill(place >= lengths[:, None], float("-inf"))
    return states, mask


def parameters(model: LatteTransformer3DModel) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Matrices for Muon; and embeddings, tables, biases and the projections at both ends for AdamW."""
    at_ends = ("pos_embed", "proj_out", "scale_shift_table")
    matrices, others = [], []
    for name, parameter in model.named_parameters():
        is_inner = parameter.ndim == 2 and not any(end in name for end in at_ends)
        (matrices if is_inner else others).append(parameter)
    return matrices, others
