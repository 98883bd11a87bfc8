"""Signed distances of the shapes: negative inside, about 1 per unit of length, for a shape that fits a circle of radius 1.

x points right and y down, as in pictures. Planes instead of exact corner distances: only the sign and the slope at the edge
are used, for antialiasing and shading.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def _circle(x: Tensor, y: Tensor) -> Tensor:
    return torch.hypot(x, y) - 0.95


def _square(x: Tensor, y: Tensor) -> Tensor:
    return torch.maximum(x.abs(), y.abs()) - 0.84


def _triangle(x: Tensor, y: Tensor) -> Tensor:
    side = x.abs() * math.cos(math.pi / 6) - y * math.sin(math.pi / 6)
    return torch.maximum(y, side) - 0.56


def _star(x: Tensor, y: Tensor) -> Tensor:
    """One straight edge from tip to notch, folded into all ten."""
    half_sector, notch = math.pi / 5, 0.45
    angle = torch.atan2(x, -y)
    folded = (torch.remainder(angle + half_sector, 2 * half_sector) - half_sector).abs()
    radius = torch.hypot(x, y)
    along, across = radius * torch.cos(folded), radius * torch.sin(folded)
    edge_x, edge_y = notch * math.cos(half_sector) - 1.05, notch * math.sin(half_sector)
    length = math.hypot(edge_x, edge_y)
    return (edge_y * (along - 1.05) - edge_x * across) / length


def _heart(x: Tensor, y: Tensor) -> Tensor:
    """A square standing on its corner with a disc on each upper side."""
    half = 0.5  # of the square's side
    lowered = y - 0.12
    root = math.sqrt(0.5)
    square = torch.maximum(((x + lowered) * root).abs(), ((x - lowered) * root).abs()) - half
    discs = torch.hypot(x.abs() - half * root, lowered + half * root) - half
    return torch.minimum(square, discs)


def _ring(x: Tensor, y: Tensor) -> Tensor:
    return (torch.hypot(x, y) - 0.7).abs() - 0.26


def _diamond(x: Tensor, y: Tensor) -> Tensor:
    width, height = 0.66, 1.04
    return (x.abs() / width + y.abs() / height - 1) * (width * height / math.hypot(width, height))


def _cross(x: Tensor, y: Tensor) -> Tensor:
    upright = torch.maximum(x.abs() - 0.32, y.abs() - 0.95)
    lying = torch.maximum(x.abs() - 0.95, y.abs() - 0.32)
    return torch.minimum(upright, lying)


SIGNED_DISTANCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "circle": _circle, "square": _square, "triangle": _triangle, "star": _star,
    "heart": _heart, "ring": _ring, "diamond": _diamond, "cross": _cross,
}  # fmt: skip
