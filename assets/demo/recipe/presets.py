"""Presets: every number that decides how large a model gets, what it sees and how long it learns. Nothing here acts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Form:
    """Sizes of a clip and of the networks."""

    size: int  # pixels of a frame's side
    frames: int
    channels: tuple[int, ...]  # of the autoencoder, one entry a level; each level but the last halves the side
    heads: int  # of 32 channels each
    pairs: int  # of a spatial and a temporal layer

    @property
    def cells(self) -> int:
        """Latent pixels of a frame's side."""
        return self.size // 2 ** (len(self.channels) - 1)


@dataclass(frozen=True)
class FramePhase:
    """A stretch of autoencoder training: the learning rate falls in a line from `rate` to `last_rate`."""

    steps: int
    batch: int
    objects: int  # most objects in a frame
    rate: float = 2e-3
    last_rate: float = 0.0

    @property
    def cost(self) -> float:
        return self.steps * self.batch


@dataclass(frozen=True)
class TextPhase:
    """A stretch of text encoder training."""

    steps: int
    batch: int
    rate: float = 1e-3
    last_rate: float = 0.0
    canonical_share: float = 0.5  # of the captions

    @property
    def cost(self) -> float:
        return self.steps * self.batch


@dataclass(frozen=True)
class ClipPhase:
    """A stretch of transformer training."""

    steps: int
    batch: int
    every: int  # 2: every second frame of a clip, odd or even ones by chance
    rate: float
    last_rate: float = 0.0
    object_weight: float = 1.0  # of the squared error on the object's cells, at timesteps below 600
    canonical_share: float = 0.6  # of the captions
    first_timestep: int = 0  # those below are left out

    @property
    def cost(self) -> float:
        return self.steps * self.batch / self.every


@dataclass(frozen=True)
class ClipPlan:
    """Which clips are cached as latents and what is done with them."""

    clips: int
    phases: tuple[ClipPhase, ...]
    variety: float = 1.0  # how far place, size and brightness stray from the caption's
    look_alikes: float = 0.35  # share of clips whose colour and background could change places


@dataclass(frozen=True)
class Preset:
    form: Form
    autoencoder: tuple[FramePhase, ...]
    text: tuple[TextPhase, ...]
    scratch: ClipPlan
    continued: ClipPlan  # from trained weights
    seed: int = 1
    average: float = 0.998  # decay of the weights' moving average, which is what gets exported


LAYOUT_ENDS = 600  # timesteps above decide the layout: which colour is where, much the same in all frames
DEMO = Form(size=96, frames=16, channels=(32, 32, 64, 64), heads=5, pairs=5)

PRESETS = {
    # Shows that every stage works; what it makes is coloured fog.
    "smoke": Preset(
        form=Form(size=48, frames=8, channels=(16, 16, 32, 32), heads=2, pairs=2),
        autoencoder=(FramePhase(100, 8, objects=2),),
        text=(TextPhase(60, 32),),
        scratch=ClipPlan(64, (ClipPhase(60, 8, 2, 3e-3, 1e-3), ClipPhase(30, 4, 1, 1e-3))),
        continued=ClipPlan(64, (ClipPhase(20, 8, 1, 1e-3),)),
    ),
    # The shape of the weights in the tree, and the phases that made them.
    "cpu": Preset(
        form=DEMO,
        autoencoder=(FramePhase(900, 8, objects=4, last_rate=5e-4), FramePhase(500, 8, objects=2, rate=1e-3)),
        text=(TextPhase(600, 64),),
        scratch=ClipPlan(
            2304,
            (
                ClipPhase(3600, 16, 8, 3e-3, 2e-3, canonical_share=0.3, first_timestep=LAYOUT_ENDS),
                ClipPhase(1000, 16, 2, 2e-3, 1e-3, object_weight=4),
                ClipPhase(800, 8, 1, 1e-3, 2e-4, object_weight=4),
            ),
        ),
        continued=ClipPlan(
            1536,
            (
                ClipPhase(6000, 16, 8, 2e-3, 1e-3, first_timestep=LAYOUT_ENDS),
                ClipPhase(1500, 16, 2, 2e-3, 1e-3, object_weight=4),
                ClipPhase(1400, 8, 1, 1e-3, 2e-4, object_weight=4),
                ClipPhase(500, 8, 1, 2e-4),
            ),
        ),
    ),
    # Frames of 128 pixels, more of them, less that repeats; 11 MB like the others, for it is the size that ships.
    "gpu": Preset(
        form=Form(size=128, frames=24, channels=(32, 32, 64, 64), heads=6, pairs=5),
        autoencoder=(FramePhase(4000, 64, objects=4, last_rate=5e-4), FramePhase(2000, 64, objects=2, rate=1e-3)),
        text=(TextPhase(1500, 128),),
        scratch=ClipPlan(
            60000,
            (
                ClipPhase(6000, 256, 2, 3e-3, 2e-3, canonical_share=0.3),
                ClipPhase(4000, 256, 2, 2e-3, 1e-3, object_weight=4),
                ClipPhase(4000, 128, 1, 1e-3, 2e-4, object_weight=4),
                ClipPhase(1000, 128, 1, 2e-4),
            ),
            variety=2.0,
        ),
        continued=ClipPlan(60000, (ClipPhase(4000, 128, 1, 1e-3, 2e-4, object_weight=4), ClipPhase(1000, 128, 1, 2e-4)), variety=2.0),
        average=0.9995,
    ),
}
