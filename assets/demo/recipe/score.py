"""Scores weights by the pixels of what Kinescope makes from prompts: `python -m recipe.score --kinescope PROGRAM`.

Every prompt becomes a folder of PNG frames under --frames; folders that are whole are not made again, so a run that was
stopped goes on. The verdicts go to --json, the table to standard output.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from recipe import captions
from recipe import vocabulary as words
from recipe.judge import Verdict, judge, nearest_background

ATTRIBUTES = ("background", "colour", "motion", "shape")
ENOUGH_CLIPS = 4  # from which the median picture of a scene shows no object any more
PROMPTS = Path(__file__).parent / "held_out_prompts.txt"


@dataclass(frozen=True)
class Judged:
    prompt: str
    seed: int
    verdict: Verdict
    right: dict[str, bool]


def read_prompts(path: Path, limit: int) -> list[str]:
    prompts = path.read_text().splitlines()
    return prompts[:limit] if limit else prompts


def generate(program: str, options: list[str], prompts: list[str], frames: Path) -> None:
    for seed, prompt in enumerate(prompts):
        if not is_whole(folder_of(frames, seed)):
            make_clip([program, "generate", "--prompt", prompt, "--seed", str(seed), *options], folder_of(frames, seed))


def make_clip(command: list[str], folder: Path) -> None:
    """Frames are complete only under their last name, so that a kill leaves nothing that looks whole."""
    unfinished = folder.with_name(folder.name + ".part")
    unfinished.mkdir(parents=True, exist_ok=True)
    subprocess.run([*command, "-q", "-y", "-o", f"{unfinished}/%04d.png"], check=True, stdin=subprocess.DEVNULL)
    unfinished.rename(folder)


def folder_of(frames: Path, seed: int) -> Path:
    return frames / f"{seed:03d}"


def is_whole(folder: Path) -> bool:
    return folder.is_dir() and any(folder.glob("*.png"))


def read_clip(folder: Path) -> np.ndarray:
    """[T, Y, X, 3], red first."""
    return np.stack([cv2.imread(str(path))[..., ::-1] for path in sorted(folder.glob("*.png"))])


def scene_pictures(clips: list[np.ndarray]) -> dict[str, np.ndarray]:
    """How these weights draw each scene: the median over all clips that show it, where there are enough of them."""
    shown: dict[str, list[np.ndarray]] = {}
    for clip in clips:
        shown.setdefault(nearest_background(clip), []).append(clip)
    enough = {name: shown[name] for name in words.SCENES if len(shown.get(name, [])) >= ENOUGH_CLIPS}
    return {name: np.median(np.concatenate(group), axis=0) for name, group in enough.items()}


def judge_all(prompts: list[str], frames: Path) -> list[Judged]:
    clips = [read_clip(folder_of(frames, seed)) for seed in range(len(prompts))]
    pictures = scene_pictures(clips)
    judged = []
    for seed, (prompt, clip) in enumerate(zip(prompts, clips)):
        verdict = judge(clip, pictures.get(nearest_background(clip)))
        judged.append(Judged(prompt, seed, verdict, verdict.agrees(captions.subject_of(prompt))))
    return judged


def shares(judged: list[Judged]) -> dict[str, float]:
    """Share of clips that are right in each attribute, and in all of them."""
    result = {name: float(np.mean([each.right[name] for each in judged])) for name in ATTRIBUTES}
    return result | {"all": float(np.mean([all(each.right.values()) for each in judged]))}


def print_table(judged: list[Judged]) -> None:
    result = shares(judged)
    print(f"{len(judged)} prompts: " + ", ".join(f"{name} {100 * share:.1f} %" for name, share in result.items()))
    for name in ATTRIBUTES:
        print(f"\n{name}: wrong of asked, and what was seen instead")
        for asked in _asked(judged, name):
            group = [each for each in judged if getattr(captions.subject_of(each.prompt), name) == asked]
            seen = Counter(getattr(each.verdict, name) for each in group if not each.right[name])
            instead = ", ".join(f"{word} {count}" for word, count in seen.most_common())
            print(f"  {asked:9} {sum(seen.values()):3} of {len(group):3}  {instead}".rstrip())


def _asked(judged: list[Judged], name: str) -> list[str]:
    return sorted({getattr(captions.subject_of(each.prompt), name) for each in judged})


def as_json(judged: list[Judged]) -> str:
    return json.dumps({"shares": shares(judged), "clips": [asdict(each) for each in judged]}, indent=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinescope", default="kinescope", help="the program")
    parser.add_argument("--model", help="model directory; the embedded demo model if not given")
    parser.add_argument("--prompts", type=Path, default=PROMPTS, help="a file with a canonical prompt a line")
    parser.add_argument("--limit", type=int, default=0, help="take only the first prompts")
    parser.add_argument("--frames", type=Path, required=True, help="folder of the frames")
    parser.add_argument("--json", type=Path, help="where the verdicts go")
    parser.add_argument("options", nargs="*", help="after --: options of generate (--steps 25 --guidance-scale 4)")
    arguments = parser.parse_args()
    prompts = read_prompts(arguments.prompts, arguments.limit)
    model = ["--model", arguments.model] if arguments.model else []
    options = arguments.options or ["--steps", "25", "--guidance-scale", "4"]
    generate(arguments.kinescope, [*model, *options], prompts, arguments.frames)
    judged = judge_all(prompts, arguments.frames)
    print_table(judged)
    if arguments.json:
        arguments.json.write_text(as_json(judged) + "\n")


if __name__ == "__main__":
    main()
