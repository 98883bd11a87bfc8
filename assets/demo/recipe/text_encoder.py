"""Trains the text encoder alone to tell what a caption says; the transformer then reads its states as they are.

Trained with the transformer, by the error of pictures, an encoder stays a bag of words: nothing in "a green cross on blue" then says
which colour is whose, and the clips show either. Asked directly it learns that in a hundred steps, if its attention starts local.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import T5EncoderModel, T5Tokenizer

from recipe import captions, latte, loop, scenes
from recipe import vocabulary as words
from recipe.presets import Preset, TextPhase
from recipe.vocabulary import Subject

ASKED: dict[str, tuple[str, ...]] = {
    "colour": tuple(words.COLOURS), "shape": words.SHAPES, "motion": words.MOTIONS, "background": words.BACKGROUNDS, "size": words.SIZES,
}  # fmt: skip


def new_models(preset: Preset, tokenizer: T5Tokenizer) -> nn.ModuleDict:
    torch.manual_seed(preset.seed)
    encoder = latte.new_text_encoder(len(tokenizer))
    questions = nn.ModuleDict({name: nn.Linear(latte.TEXT_CHANNELS, len(answers)) for name, answers in ASKED.items()})
    return nn.ModuleDict({"text_encoder": encoder, "questions": questions})


def draw_subjects(phase: TextPhase, draw: loop.Draw) -> list[Subject]:
    """Half of them with colours that could change places."""
    subjects: list[Subject] = []
    while len(subjects) < phase.batch:
        subject = scenes.draw_subject(draw.choose)
        if len(subjects) % 2 == 0 or words.could_change_places(subject):
            subjects.append(subject)
    return subjects


def answers(models: nn.ModuleDict, tokenizer: T5Tokenizer, said: list[str]) -> dict[str, Tensor]:
    """Logits of each question, linear in the mean of the states: what cross attention can read."""
    batch = tokenizer(said, padding="longest", return_tensors="pt").to(models["questions"]["colour"].weight.device)
    seen = batch.attention_mask[..., None].float()
    states = models["text_encoder"](**batch).last_hidden_state * seen
    mean = states.sum(dim=1) / seen.sum(dim=1)
    return {name: question(mean) for name, question in models["questions"].items()}


def right_answers(subjects: list[Subject]) -> dict[str, Tensor]:
    return {name: torch.tensor([known.index(getattr(each, name)) for each in subjects]) for name, known in ASKED.items()}


def loss(models: nn.ModuleDict, tokenizer: T5Tokenizer, phase: TextPhase, draw: loop.Draw) -> Tensor:
    subjects = draw_subjects(phase, draw)
    given = answers(models, tokenizer, [captions.caption(each, phase.canonical_share, draw.choose) for each in subjects])
    wrong = [functional.cross_entropy(given[name], right.to(given[name].device)) for name, right in right_answers(subjects).items()]
    return torch.stack(wrong).mean()


def optimizers(models: nn.ModuleDict) -> list[torch.optim.Optimizer]:
    """AdamW for all: Muon's steps grow queries and keys until every softmax is saturated and order can no longer be learned."""
    adam = torch.optim.AdamW(models.parameters(), lr=0.0, betas=(0.9, 0.98), weight_decay=0.0)
    adam.param_groups[0]["share"] = 1.0
    return [adam]


@torch.no_grad()
def shares_right(models: nn.ModuleDict, tokenizer: T5Tokenizer) -> dict[str, float]:
    """Of held-out prompts, by question."""
    subjects = captions.held_out_subjects(200)
    given = answers(models, tokenizer, [captions.canonical(each) for each in subjects])
    return {name: (given[name].argmax(1).cpu() == right).float().mean().item() for name, right in right_answers(subjects).items()}


def train(preset: Preset, out: Path, where: torch.device) -> None:
    tokenizer = T5Tokenizer.from_pretrained(out / "model/tokenizer")
    models = new_models(preset, tokenizer).to(where)
    trainee = loop.Trainee(models, optimizers(models), decay=0.98)

    def loss_of(phase: TextPhase, draw: loop.Draw) -> Tensor:
        return loss(models, tokenizer, phase, draw)

    loop.train("text_encoder", out / "checkpoints", trainee, loop.Schedule(preset.text), loss_of, preset.seed)
    told = ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares_right(models, tokenizer).items())
    print(f"text_encoder: tells of held-out prompts {told}", flush=True)
    encoder: T5EncoderModel = models["text_encoder"]
    encoder.to("cpu", torch.bfloat16).save_pretrained(out / "model/text_encoder")
