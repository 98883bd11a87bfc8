"""Writes an ordinary diffusers directory: the averaged weights in bfloat16, beside tokenizer and autoencoder of earlier stages."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, LattePipeline
from torch import nn
from transformers import T5Tokenizer

from recipe import captions, transformer


def write(models: nn.ModuleDict, model: Path, words: str) -> None:
    """words: the card's text, the words that prompts may use."""
    pipeline = LattePipeline(
        tokenizer=T5Tokenizer.from_pretrained(model / "tokenizer"),
        text_encoder=models["text_encoder"].to("cpu", torch.bfloat16).eval(),
        vae=AutoencoderKL.from_pretrained(model / "vae", dtype=torch.bfloat16),
        transformer=models["transformer"].to("cpu", torch.bfloat16).eval(),
        scheduler=transformer.new_scheduler(),
    )
    for part in ("text_encoder", "transformer", "scheduler"):
        getattr(pipeline, part).save_pretrained(model / part)
    pipeline.to_json_file(model / "model_index.json")
    (model / "words.json").write_text(words)
    print(f"export: {sum(file.stat().st_size for file in model.rglob('*') if file.is_file()) / 1e6:.1f} MB in {model}", flush=True)


def card() -> str:
    """The words of the captions, by kind, a line each."""
    lines = [f'  "{kind}": {json.dumps(words)}' for kind, words in captions.card_words().items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
