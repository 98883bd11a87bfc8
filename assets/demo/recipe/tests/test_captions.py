"""Prompts and captions say what they should, in words that the weights know."""

import json
import random
from pathlib import Path

from recipe import captions, score
from recipe import vocabulary as words

MODEL = Path(__file__).parents[2]


def test_canonical_prompts_say_what_they_ask_for() -> None:
    for subject in captions.held_out_subjects(200):
        assert captions.subject_of(captions.canonical(subject)) == subject
        assert words.is_held_out(subject)


def test_the_list_of_prompts_is_what_the_captions_module_makes() -> None:
    made = [captions.canonical(subject) for subject in captions.held_out_subjects(200)]
    assert score.read_prompts(score.PROMPTS, 0) == made


def words_said() -> set[str]:
    choose = random.Random(1)
    return {word.strip(".,") for subject in words.all_subjects() for word in captions.varied(subject, choose).split()}


def test_captions_use_only_words_of_the_model_card() -> None:
    card = json.loads((MODEL / "words.json").read_text())
    unknown = words_said() - {word for kind in card.values() for word in kind}
    assert not unknown


def test_the_card_of_new_weights_has_every_word_of_the_captions_once() -> None:
    known = [word for kind in captions.card_words().values() for word in kind]
    assert len(known) == len(set(known))
    assert words_said() <= set(known)
