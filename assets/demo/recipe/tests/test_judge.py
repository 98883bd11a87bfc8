"""The judge is held against clips whose truth is known, before it may judge a model."""

import random

import pytest

from recipe import scenes
from recipe.judge import Verdict, judge
from recipe.vocabulary import Subject


def rendered(count: int, seed: int) -> list[tuple[Subject, Verdict]]:
    choose = random.Random(seed)
    pairs = []
    for _ in range(count):
        subject = scenes.draw_subject(choose)
        clip = scenes.render(subject, 16, 96, scenes.Jitter.drawn(choose)).numpy()
        pairs.append((subject, judge(clip)))
    return pairs


@pytest.fixture(scope="module")
def judged() -> list[tuple[Subject, Verdict]]:
    return rendered(120, seed=3)


@pytest.mark.parametrize("attribute", ["colour", "shape", "background", "motion"])
def test_real_clips_are_judged_right(judged: list[tuple[Subject, Verdict]], attribute: str) -> None:
    wrong = [(subject, verdict) for subject, verdict in judged if not verdict.agrees(subject)[attribute]]
    assert len(wrong) <= 0.02 * len(judged), wrong  # tiny objects before a picture may escape


def test_an_empty_wall_shows_nothing() -> None:
    clip = scenes.render(Subject("red", "circle", "right", "blue"), 16, 96).numpy()
    clip[:] = clip[0, 0, 0]
    assert judge(clip) == Verdict("nothing", "nothing", "blue", "nothing")


def test_a_disc_that_stays_in_place_does_not_spin() -> None:
    clip = scenes.render(Subject("red", "circle", "right", "gray"), 16, 96).numpy()
    clip[:] = clip[8]
    assert judge(clip).motion == "still"
