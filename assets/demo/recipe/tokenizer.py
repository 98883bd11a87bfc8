"""The tokenizer: SentencePiece unigram whose pieces are the words of the captions, kept in the layout that T5Tokenizer opens."""

from __future__ import annotations

import io
import json
from pathlib import Path

import sentencepiece
from transformers import T5Tokenizer

from recipe import captions

LONGEST = 120  # tokens, LattePipeline's fixed length
EXTRA = 100  # T5's sentinels


def corpus() -> list[str]:
    """Every word beside itself and beside punctuation.

    SentencePiece takes a substring for a piece only if it has seen it in two different words, so a closed vocabulary falls to
    letters unless punctuation makes two words of each.
    """
    known = sorted({word for kind in captions.card_words().values() for word in kind})
    return [f"{word} {word}. {word}, {word}!" for word in known for _ in range(20)]


def train(folder: Path) -> None:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()), model_writer=model, model_type="unigram", vocab_size=200, hard_vocab_limit=False,
        character_coverage=1.0, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, num_threads=1, minloglevel=2,
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spiece.model").write_bytes(model.getvalue())
    settings = {
        "tokenizer_class": "T5Tokenizer", "extra_ids": EXTRA, "legacy": True, "model_max_length": LONGEST,
        "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>",
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n")
    opened = T5Tokenizer.from_pretrained(folder)
    opened.backend_tokenizer.save(str(folder / "tokenizer.json"))
    print(f"tokenizer: {len(opened) - EXTRA} pieces; {opened.tokenize('a red circle moving right on a blue background')}", flush=True)
