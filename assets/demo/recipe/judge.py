"""Looks at the pixels of a clip and says what it shows: colour, shape, background and motion.

Knows the wording of nothing and the weights of nothing: clips are arrays [T, Y, X, 3] of unsigned bytes. The background is
known (a wall of even colour, or one of four fixed pictures), so the object is what differs from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch

from recipe import backgrounds, scenes
from recipe import vocabulary as words
from recipe.shapes import SIGNED_DISTANCES
from recipe.vocabulary import Subject

DIFFERENT = 48.0  # distance of a pixel from its background that makes it the object's
DARKEST_SHADOW = 0.55  # of the background's brightness; what is darker or of another hue is no shadow
FEWEST_FRAMES = 0.6  # share of the frames in which an object must be found
SMALLEST_OBJECT = 0.002  # of the frame
PATCH = 48  # side of the normalised silhouettes that shapes are compared on
STILL = 0.03  # mean deviation, in frame sides, below which an object stays in place
TURNED = 0.93  # overlap of upright silhouettes below which an object in place is turning


@dataclass(frozen=True)
class Verdict:
    """What a clip shows, a word each; "nothing" where no object was found."""

    colour: str
    shape: str
    background: str
    motion: str

    def agrees(self, subject: Subject) -> dict[str, bool]:
        names = ("colour", "shape", "background", "motion")
        return {name: getattr(self, name) == getattr(subject, name) for name in names}


def judge(clip: np.ndarray, wall: np.ndarray | None = None) -> Verdict:
    """wall: the background's picture if it is known better than by the recipe's drawing."""
    background = nearest_background(clip)
    masks = [object_mask(frame, picture) for frame, picture in zip(clip, walls(clip, background, wall))]
    found = [index for index, mask in enumerate(masks) if mask.mean() > SMALLEST_OBJECT]
    if len(found) < FEWEST_FRAMES * len(clip):
        return Verdict("nothing", "nothing", background, "nothing")
    seen = [masks[index] for index in found]
    motion = nearest_motion(seen, np.array(found), len(clip))
    colour = nearest_colour([clip[index] for index in found], seen)
    return Verdict(colour, nearest_shape(seen, motion == "spin"), background, motion)


# Background


def _border(pictures: np.ndarray) -> np.ndarray:
    """Mean colours of the cells along the frame's border, where objects seldom are: [cells, 3]."""
    cells = cv2.resize(pictures.astype(np.float32), (8, 8), interpolation=cv2.INTER_AREA)
    is_inner = np.pad(np.ones((6, 6), dtype=bool), 1)
    return cells[~is_inner]


def nearest_background(clip: np.ndarray) -> str:
    seen = _border(np.median(clip, axis=0))
    known = {name: _border(backgrounds.picture(name, clip.shape[1]).numpy()) for name in words.BACKGROUNDS}
    return min(known, key=lambda name: float(np.abs(known[name] - seen).mean()))


def walls(clip: np.ndarray, background: str, wall: np.ndarray | None) -> np.ndarray:
    """The background behind every frame, [T, Y, X, 3]. Plain walls take the colour that the frame's border has."""
    if wall is not None:
        return np.broadcast_to(wall.astype(np.float32), clip.shape)
    if background in words.SCENES:
        return np.broadcast_to(backgrounds.picture(background, clip.shape[1]).numpy(), clip.shape)
    edge = np.concatenate([clip[:, :4].reshape(len(clip), -1, 3), clip[:, -4:].reshape(len(clip), -1, 3)], axis=1)
    colours = np.median(edge, axis=1)[:, None, None, :]
    return np.broadcast_to(colours, clip.shape).astype(np.float32)


# Object


def object_mask(frame: np.ndarray, wall: np.ndarray) -> np.ndarray:
    """The largest piece that is neither background nor background in shadow, [Y, X] of bool; its holes stay holes."""
    pixels = frame.astype(np.float32)
    brightness = (pixels * wall).sum(-1) / np.maximum((wall * wall).sum(-1), 1.0)
    shadowed = np.clip(brightness, DARKEST_SHADOW, 1.05)[..., None] * wall
    differs = (np.linalg.norm(pixels - shadowed, axis=-1) > DIFFERENT).astype(np.uint8)
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(differs, connectivity=4)
    if count < 2:
        return np.zeros(differs.shape, dtype=bool)
    largest = 1 + int(np.argmax(statistics[1:, cv2.CC_STAT_AREA]))
    return labels == largest


def _lab(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(rgb.reshape(1, -1, 3).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]


def nearest_colour(frames: list[np.ndarray], masks: list[np.ndarray]) -> str:
    """The name nearest to the median inside the object; light and shade count less than hue."""
    inside = [cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) for mask in masks]
    kept = [frame[inner if inner.any() else mask] for frame, mask, inner in zip(frames, masks, inside)]
    seen = _lab(np.median(np.concatenate(kept), axis=0))[0]
    palette = dict(zip(words.COLOURS, _lab(np.array(list(words.COLOURS.values())))))
    weights = np.array([0.4, 1.0, 1.0])
    return min(palette, key=lambda name: float(np.linalg.norm((palette[name] - seen) * weights)))


# Shape


def _normalised(mask: np.ndarray) -> np.ndarray:
    """The silhouette moved to the middle and scaled to one area, [PATCH, PATCH] of 0 to 1."""
    rows, columns = np.nonzero(mask)
    scale = math.sqrt(0.2 * PATCH * PATCH / len(rows))
    shift_x, shift_y = PATCH / 2 - scale * (columns.mean() + 0.5), PATCH / 2 - scale * (rows.mean() + 0.5)
    matrix = np.array([[scale, 0, shift_x + scale / 2 - 0.5], [0, scale, shift_y + scale / 2 - 0.5]])
    return cv2.warpAffine(mask.astype(np.float32), matrix, (PATCH, PATCH), flags=cv2.INTER_LINEAR)


@lru_cache(maxsize=None)
def _templates(shape: str, turns: int) -> np.ndarray:
    """Normalised silhouettes at even angles of a full turn, [turns, PATCH, PATCH]."""
    axis = (torch.arange(128) + 0.5) / 32 - 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    patches = []
    for turn in range(turns):
        angle = 2 * math.pi * turn / turns
        turned_x, turned_y = math.cos(angle) * x + math.sin(angle) * y, math.cos(angle) * y - math.sin(angle) * x
        patches.append(_normalised((SIGNED_DISTANCES[shape](turned_x, turned_y) < 0).numpy()))
    return np.stack(patches)


def _overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union, over the last two axes."""
    return np.minimum(first, second).sum((-1, -2)) / np.maximum(first, second).sum((-1, -2))


def nearest_shape(masks: list[np.ndarray], turns: bool) -> str:
    """The shape that overlaps best in the better half of the frames; cut-off and tiny silhouettes say little."""
    whole = [mask for mask in masks if not _touches_edge(mask)] or masks
    patches = [_normalised(mask) for mask in whole]

    def likeness(shape: str) -> float:
        templates = _templates(shape, 24 if turns else 1)
        best = sorted(float(_overlap(patch[None], templates).max()) for patch in patches)
        return float(np.mean(best[len(best) // 2 :]))

    return max(words.SHAPES, key=likeness)


def _touches_edge(mask: np.ndarray) -> bool:
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())


# Motion


def _path(masks: list[np.ndarray]) -> np.ndarray:
    """x and y of the middle and half the logarithm of the radius, in frame sides, [3, T], means removed."""
    side = masks[0].shape[0]
    middles = [(columns.mean() / side, rows.mean() / side) for rows, columns in map(np.nonzero, masks)]
    # A ball that doubles counts like one that crosses a third of the frame.
    sizes = [0.25 * math.log(mask.sum()) for mask in masks]
    path = np.array([[middle[0] for middle in middles], [middle[1] for middle in middles], sizes])
    return path - path.mean(axis=1, keepdims=True)


def _expected_paths(motion: str, found: np.ndarray, frames: int) -> list[np.ndarray]:
    """The motion's path at the frames in which the object was found; for periodic ones from every starting point."""
    track = scenes.track(motion, frames)
    path = np.stack([track.x.numpy(), track.y.numpy(), 0.5 * np.log(track.scale.numpy())])
    rolls = range(frames) if motion in ("bounce", "orbit") else (0,)
    rolled = [np.roll(path, roll, axis=1)[:, found] for roll in rolls]
    if motion == "orbit":
        rolled += [candidate * np.array([[-1], [1], [1]]) for candidate in rolled]
    return [candidate - candidate.mean(axis=1, keepdims=True) for candidate in rolled]


def _misfit(path: np.ndarray, expected: np.ndarray) -> float:
    """What the expected path leaves unexplained, at the amplitude that suits best."""
    amplitude = np.clip((path * expected).sum() / (expected * expected).sum(), 0.35, 1.6)
    return float(((path - amplitude * expected) ** 2).sum())


def nearest_motion(masks: list[np.ndarray], found: np.ndarray, frames: int) -> str:
    path = _path(masks)
    if np.abs(path).mean() < STILL:
        return "spin" if _turns(masks) else "still"
    moving = [motion for motion in words.MOTIONS if motion != "spin"]
    return min(moving, key=lambda motion: min(_misfit(path, each) for each in _expected_paths(motion, found, frames)))


def _turns(masks: list[np.ndarray]) -> bool:
    """True if silhouettes differ from the first one by more than a steady object's flicker."""
    patches = np.stack([_normalised(mask) for mask in masks])
    return float(np.median(_overlap(patches[:1], patches[1:]))) < TURNED
