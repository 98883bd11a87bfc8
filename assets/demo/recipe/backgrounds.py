"""The ten backgrounds: six plain ones and four fixed pictures.

Scenes are the same in every clip on purpose: they are learned first and carry the look while objects are still blobs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from recipe import vocabulary as words


def _grid(size: int) -> tuple[Tensor, Tensor]:
    """x and y of pixel centres, 0 to 1."""
    axis = (torch.arange(size) + 0.5) / size
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return x, y


def _ramp(position: Tensor, stops: list[tuple[float, tuple[int, int, int]]]) -> Tensor:
    """Colours between stops, linearly; position 0 to 1 of shape [Y, X]."""
    picture = torch.tensor(stops[0][1], dtype=torch.float32).expand(*position.shape, 3).clone()
    for (low, first), (high, second) in zip(stops, stops[1:]):
        share = ((position - low) / (high - low)).clamp(0, 1)[..., None]
        between = torch.lerp(torch.tensor(first, dtype=torch.float32), torch.tensor(second, dtype=torch.float32), share)
        picture = torch.where(position[..., None] >= low, between, picture)
    return picture


def _paint(picture: Tensor, alpha: Tensor, colour: tuple[int, int, int]) -> Tensor:
    return picture + alpha.clamp(0, 1)[..., None] * (torch.tensor(colour, dtype=torch.float32) - picture)


def _disc(x: Tensor, y: Tensor, centre: tuple[float, float], radius: float) -> Tensor:
    """Coverage of a disc, antialiased over a pixel."""
    distance = torch.hypot(x - centre[0], y - centre[1]) - radius
    return (0.5 - distance * x.shape[-1]).clamp(0, 1)


def _sunset(x: Tensor, y: Tensor) -> Tensor:
    sky = _ramp(y, [(0.0, (70, 50, 120)), (0.4, (196, 90, 118)), (0.68, (250, 170, 96))])
    picture = _paint(sky, _disc(x, y, (0.5, 0.68), 0.13), (255, 226, 130))
    ground = _ramp(y, [(0.7, (92, 52, 84)), (1.0, (44, 28, 58))])
    return torch.where((y > 0.7)[..., None], ground, picture)


def _night(x: Tensor, y: Tensor) -> Tensor:
    picture = _ramp(y, [(0.0, (8, 8, 34)), (1.0, (30, 26, 84))])
    places = torch.rand(40, 2, generator=torch.Generator().manual_seed(7))
    for place in places.tolist():
        picture = _paint(picture, 0.8 * _disc(x, y, (place[0], 0.9 * place[1]), 0.004), (236, 236, 250))
    moon = _disc(x, y, (0.82, 0.18), 0.1) - _disc(x, y, (0.77, 0.15), 0.095)
    return _paint(picture, moon, (248, 242, 206))


def _meadow(x: Tensor, y: Tensor) -> Tensor:
    picture = _ramp(y, [(0.0, (104, 172, 240)), (0.65, (186, 222, 250))])
    for centre, radius in [((0.2, 0.2), 0.07), ((0.29, 0.18), 0.09), ((0.38, 0.21), 0.06), ((0.72, 0.12), 0.06), ((0.8, 0.14), 0.05)]:
        picture = _paint(picture, 0.9 * _disc(x, y, centre, radius), (250, 252, 255))
    hill = 0.66 + 0.03 * torch.sin(7 * x)
    grass = _ramp(y, [(0.63, (124, 192, 88)), (1.0, (62, 138, 52))])
    return torch.where((y > hill)[..., None], grass, picture)


def _ocean(x: Tensor, y: Tensor) -> Tensor:
    picture = _ramp(y, [(0.0, (150, 206, 244)), (0.5, (220, 238, 248))])
    water = _ramp(y, [(0.5, (52, 140, 190)), (1.0, (14, 70, 130))])
    waves = 10 * torch.sin(60 * y * y + 2 * torch.sin(9 * x))
    return torch.where((y > 0.5)[..., None], water + waves[..., None], picture)


_PICTURES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "sunset": _sunset, "night": _night, "meadow": _meadow, "ocean": _ocean,
}  # fmt: skip


def _plain(x: Tensor, y: Tensor, colour: tuple[int, int, int]) -> Tensor:
    """A wall, a little darker towards its corners."""
    shade = 1 - 0.1 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    return torch.tensor(colour, dtype=torch.float32) * shade[..., None]


@lru_cache(maxsize=None)
def picture(name: str, size: int) -> Tensor:
    """[Y, X, 3] of 0 to 255."""
    x, y = _grid(size)
    if name in words.PLAIN_BACKGROUNDS:
        return _plain(x, y, words.PLAIN_BACKGROUNDS[name])
    return _PICTURES[name](x, y).clamp(0, 255)
