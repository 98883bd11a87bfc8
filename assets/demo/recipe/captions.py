"""Captions of clips, the scorer's prompts and the way back from a prompt to what it asks for.

`python -m recipe.captions --held-out 200` prints the scorer's prompts (held_out_prompts.txt).
"""

from __future__ import annotations

import argparse
import random
from dataclasses import replace
from functools import lru_cache

from recipe import vocabulary as words
from recipe.vocabulary import Subject

UNPLACED_SHARE = 0.04  # captions that leave the background to the model


def _with_article(noun: str, article: str = "a") -> str:
    if article == "a" and noun[0] in "aeiou":
        article = "an"
    return f"{article} {noun}"


def _place(subject: Subject, choose: random.Random | None) -> str:
    if subject.background in words.SCENE_PLACES:
        places = words.SCENE_PLACES[subject.background]
        return choose.choice(places) if choose else places[0]
    pattern = choose.choice(words.PLAIN_PLACES) if choose else words.PLAIN_PLACES[0]
    return pattern.format(subject.background)


def _object(subject: Subject, choose: random.Random | None) -> str:
    def word(table: dict[str, list[str]], key: str) -> str:
        return choose.choice(table[key]) if choose else table[key][0]

    size = word(words.SIZE_WORDS, subject.size)
    colour = word(words.COLOUR_WORDS, subject.colour)
    return f"{size} {colour} {word(words.SHAPE_WORDS, subject.shape)}".strip()


def canonical(subject: Subject) -> str:
    """The plainest wording: a big red circle moving right on a blue background."""
    motion = words.MOTION_WORDS[subject.motion][0]
    return f"{_with_article(_object(subject, None))} {motion} {_place(subject, None)}"


def varied(subject: Subject, choose: random.Random) -> str:
    """Synonyms, articles, order and punctuation as people use them, always in lower case as pipelines make it."""
    motion = choose.choice(words.MOTION_WORDS[subject.motion])
    is_sentence = motion.split()[0].endswith("s") and choose.random() < 0.5
    article = choose.choice(["a", "a", "a", "the"])
    thing = _with_article(_object(subject, choose), article)
    if not is_sentence and not motion.split()[0].endswith("s") and choose.random() < 0.1:
        motion = f"is {motion}"
    clause = f"{thing} {motion}"
    if choose.random() < UNPLACED_SHARE:
        return clause
    place = _place(subject, choose)
    clause = f"{place}, {clause}" if choose.random() < 0.2 else f"{clause} {place}"
    return clause + choose.choice(["", "", "", "."])


def caption(subject: Subject, canonical_share: float, choose: random.Random) -> str:
    return canonical(subject) if choose.random() < canonical_share else varied(subject, choose)


@lru_cache(maxsize=None)
def _canonical_subjects() -> dict[str, Subject]:
    sized = [replace(subject, size=size) for subject in words.all_subjects() for size in words.SIZES]
    return {canonical(subject): subject for subject in sized}


SMALL_WORDS = ["a", "an", "the", "is", "on", "in", "at", "of", "to", "over", "under", "above", "and", "around", "front", "background"]


def card_words() -> dict[str, list[str]]:
    """Every word that a caption may use, by kind; a word of two kinds stands with the first."""
    pieces = {
        "colours": [word for said in words.COLOUR_WORDS.values() for word in said],
        "shapes": [word for said in words.SHAPE_WORDS.values() for word in said],
        "motions": [word for said in words.MOTION_WORDS.values() for word in said],
        "backgrounds": [*words.BACKGROUNDS, "wall", *(place for said in words.SCENE_PLACES.values() for place in said)],
        "sizes": [word for said in words.SIZE_WORDS.values() for word in said],
    }
    seen = set(SMALL_WORDS)
    return {kind: _new_words(said, seen) for kind, said in pieces.items()} | {"other": SMALL_WORDS}


def _new_words(said: list[str], seen: set[str]) -> list[str]:
    found = dict.fromkeys(word for phrase in said for word in phrase.split())
    new = [word for word in found if word not in seen]
    seen.update(new)
    return new


def subject_of(prompt: str) -> Subject:
    """What a canonical prompt asks for; ValueError for any other wording."""
    if prompt not in _canonical_subjects():
        raise ValueError(f"canonical prompt expected, got {prompt!r}")
    return _canonical_subjects()[prompt]


def held_out_subjects(count: int) -> list[Subject]:
    """A fixed choice in which backgrounds, colours, shapes and motions come up about equally often."""
    pool = [subject for subject in words.all_subjects() if words.is_held_out(subject)]
    random.Random(5).shuffle(pool)
    uses: dict[str, int] = {}
    chosen: list[Subject] = []
    while pool and len(chosen) < count:
        rarest = min(pool, key=lambda subject: _commonness(subject, uses))
        pool.remove(rarest)
        chosen.append(rarest)
        for key in _keys(rarest):
            uses[key] = uses.get(key, 0) + 1
    return chosen


def _keys(subject: Subject) -> list[str]:
    return [f"in {subject.background}", *(f"{kind} {word}" for kind, word in zip("csm", subject.triple))]


def _commonness(subject: Subject, uses: dict[str, int]) -> int:
    return sum(uses.get(key, 0) ** 2 for key in _keys(subject))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--held-out", type=int, default=200, help="how many prompts")
    for subject in held_out_subjects(parser.parse_args().held_out):
        print(canonical(subject))


if __name__ == "__main__":
    main()
