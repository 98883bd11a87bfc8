"""Contact sheets: one clip a row, every second frame, so that a look tells what a checkpoint can do."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor


def write(path: Path, clips: list[Tensor], every: int = 2) -> None:
    """Clips are [T, Y, X, 3] of unsigned bytes and of one size."""
    rows = [torch.cat(list(clip[::every]), dim=1) for clip in clips]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(torch.cat(rows, dim=0).cpu().numpy()).save(path)
