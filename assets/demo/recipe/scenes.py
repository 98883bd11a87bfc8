"""Clips: one object of a subject's colour and shape that moves before its background.

Few things are left to chance (a little size, place and brightness), so that the caption decides nearly all that is seen.
Letters of shapes: T frames, Y rows, X columns.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import torch
from torch import Tensor

from recipe import backgrounds
from recipe import vocabulary as words
from recipe.shapes import SIGNED_DISTANCES
from recipe.vocabulary import Subject

RADII = {"small": 0.12, "plain": 0.16, "big": 0.21}  # of the frame's side


@dataclass(frozen=True)
class Track:
    """Where the object is: centre in frame sides, scale against its plain size, angle in radians; [T] each."""

    x: Tensor
    y: Tensor
    scale: Tensor
    angle: Tensor


@dataclass(frozen=True)
class Jitter:
    """What a caption does not say."""

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    brightness: float = 1.0

    @staticmethod
    def drawn(choose: random.Random, variety: float = 1.0) -> Jitter:
        place, scale = 0.04 * variety, 0.07 * variety
        return Jitter(
            choose.uniform(-place, place),
            choose.uniform(-place, place),
            choose.uniform(1 - scale, 1 + scale),
            choose.uniform(1 - 0.05 * variety, 1 + 0.04 * variety),
        )


def track(motion: str, frames: int) -> Track:
    """The motion's path through a clip, without jitter."""
    u = torch.linspace(0, 1, frames)
    still, middle = torch.ones(frames), torch.full((frames,), 0.5)
    across, turn = 0.18 + 0.64 * u, 2 * math.pi * u * (frames - 1) / frames
    back = across.flip(0)
    paths = {
        "right": (across, middle), "left": (back, middle), "down": (middle, across), "up": (middle, back),
        "bounce": (middle, 0.68 - 0.34 * torch.sin(2 * math.pi * u).abs()),
        "orbit": (0.5 + 0.25 * torch.sin(turn), 0.5 - 0.25 * torch.cos(turn)),
    }  # fmt: skip
    x, y = paths.get(motion, (middle, middle))
    scales = {"grow": 0.5 + 1.1 * u, "shrink": 1.6 - 1.1 * u}
    return Track(x, y, scales.get(motion, still), turn if motion == "spin" else torch.zeros(frames))


def _object_coordinates(path: Track, radius: float, size: int) -> tuple[Tensor, Tensor]:
    """Pixel centres seen from the object, in its radii: two tensors [T, Y, X]."""
    axis = (torch.arange(size) + 0.5) / size
    x = axis[None, None, :] - path.x[:, None, None]
    y = axis[None, :, None] - path.y[:, None, None]
    cosine, sine = path.angle.cos()[:, None, None], path.angle.sin()[:, None, None]
    unit = (path.scale * radius)[:, None, None]
    return (cosine * x + sine * y) / unit, (cosine * y - sine * x) / unit


def silhouettes(shape: str, path: Track, radius: float, size: int) -> Tensor:
    """Coverage of every pixel by the object, [T, Y, X] of 0 to 1."""
    distance = SIGNED_DISTANCES[shape](*_object_coordinates(path, radius, size))
    return (0.5 - distance * (path.scale * radius * size)[:, None, None]).clamp(0, 1)


def _shaded(colour: str, brightness: float, x: Tensor, y: Tensor, distance: Tensor) -> Tensor:
    """The object's colour, darker at the rim and lighter up to the left, [T, Y, X, 3]."""
    rim = 1 - 0.22 * torch.exp(distance.clamp(max=0) / 0.12)
    light = 42 * torch.exp(-((x + 0.35) ** 2 + (y + 0.35) ** 2) / 0.12)
    base = torch.tensor(words.COLOURS[colour], dtype=torch.float32) * brightness
    return base * rim[..., None] + light[..., None]


def _shadow(shape: str, path: Track, radius: float, size: int) -> Tensor:
    """How much the wall behind is darkened, [T, Y, X]: the silhouette, shifted down to the right and blurred."""
    moved = Track(path.x + 0.02, path.y + 0.03, path.scale, path.angle)
    distance = SIGNED_DISTANCES[shape](*_object_coordinates(moved, radius, size))
    return 0.3 * torch.sigmoid(-distance / 0.12)


def render(subject: Subject, frames: int, size: int, jitter: Jitter = Jitter()) -> Tensor:
    """One clip, [T, Y, X, 3] of 0 to 255, unsigned bytes."""
    plain = track(subject.motion, frames)
    path = Track(plain.x + jitter.x, plain.y + jitter.y, plain.scale * jitter.scale, plain.angle)
    radius = RADII[subject.size]
    x, y = _object_coordinates(path, radius, size)
    distance = SIGNED_DISTANCES[subject.shape](x, y)
    alpha = silhouettes(subject.shape, path, radius, size)[..., None]
    wall = backgrounds.picture(subject.background, size) * (1 - _shadow(subject.shape, path, radius, size))[..., None]
    picture = torch.lerp(wall, _shaded(subject.colour, jitter.brightness, x, y, distance), alpha)
    return picture.clamp(0, 255).round().to(torch.uint8)


def object_cells(subject: Subject, frames: int, size: int, jitter: Jitter, cells: int) -> Tensor:
    """Which of cells x cells pieces of each frame the object touches, [T, cells, cells] of bool."""
    plain = track(subject.motion, frames)
    path = Track(plain.x + jitter.x, plain.y + jitter.y, plain.scale * jitter.scale, plain.angle)
    cover = silhouettes(subject.shape, path, RADII[subject.size], size)
    return torch.nn.functional.adaptive_max_pool2d(cover, cells) > 0.1


def draw_subject(choose: random.Random) -> Subject:
    """Any subject that can be shown and is not held out."""
    while True:
        colour, shape = choose.choice(list(words.COLOURS)), choose.choice(words.SHAPES)
        motion, background = choose.choice(words.MOTIONS), choose.choice(words.BACKGROUNDS)
        size = choose.choices(words.SIZES, weights=(1, 3, 1))[0]
        subject = Subject(colour, shape, motion, background, size)
        if words.can_be_shown(subject) and not words.is_held_out(subject):
            return subject
