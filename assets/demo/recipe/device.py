"""Where training runs, and in what arithmetic: bfloat16 products only where the hardware multiplies it."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch


def pick() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def multiplies_bfloat16(where: torch.device) -> bool:
    return where.type == "cuda" or torch.cpu._is_amx_tile_supported()


def autocast(where: torch.device) -> AbstractContextManager:
    return torch.autocast(where.type, dtype=torch.bfloat16, enabled=multiplies_bfloat16(where))


def has_compiler(where: torch.device) -> bool:
    """Compiling pays on a GPU; on a few cores it takes minutes and gains little."""
    return where.type == "cuda"
