"""Files that are either whole or not there, so that a kill at any moment leaves something to go on from."""

from __future__ import annotations

import os
from pathlib import Path

import torch


def save(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
