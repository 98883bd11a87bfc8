"""The training loop that every stage shares: phases, learning rates, moving average, checkpoints, log lines.

A step draws its chances from the seed and its number, so a run that was killed and goes on from its last checkpoint ends with the
weights of a run that was never interrupted. Given minutes instead of steps, the phases share the time by their cost; rates fall
with the time spent, and the run ends when it is over (what it ends with then depends on the machine's speed).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from recipe import keeping

WARM_UP = 20  # steps in which rates rise from zero
GRADIENT_NORM = 1.0
CHECKPOINT_EVERY = 60.0  # seconds
LOG_EVERY = 15.0  # seconds


class Phase(Protocol):
    steps: int
    batch: int
    rate: float
    last_rate: float

    @property
    def cost(self) -> float: ...


P = TypeVar("P", bound=Phase)


@dataclass(frozen=True)
class Schedule(Generic[P]):
    """Which phase a run is in, and how far through it."""

    phases: Sequence[P]
    minutes: float | None = None

    def at(self, step: int, seconds: float) -> tuple[P, float] | None:
        """None once the run is over."""
        position = step if self.minutes is None else seconds / (60 * self.minutes) * sum(phase.cost for phase in self.phases)
        for phase in self.phases:
            length = phase.steps if self.minutes is None else phase.cost
            if position < length:
                return phase, position / length
            position -= length
        return None


@dataclass(frozen=True)
class Draw:
    """The chances of one step."""

    choose: random.Random
    numbers: torch.Generator

    @staticmethod
    def of(seed: int, stage: str, step: int) -> Draw:
        choose = random.Random(f"{seed}/{stage}/{step}")
        return Draw(choose, torch.Generator().manual_seed(choose.getrandbits(63)))


@dataclass
class Trainee:
    """What a checkpoint holds."""

    models: nn.ModuleDict
    optimizers: list[torch.optim.Optimizer]
    decay: float
    step: int = 0
    seconds: float = 0.0
    average: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.average = {name: value.detach().clone() for name, value in self.models.state_dict().items()}

    def state(self) -> dict:
        return {
            "models": self.models.state_dict(), "average": self.average, "step": self.step, "seconds": self.seconds,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }  # fmt: skip

    def restore(self, state: dict) -> None:
        self.models.load_state_dict(state["models"])
        self.average = {name: state["average"][name].to(value.device) for name, value in self.average.items()}
        self.step, self.seconds = state["step"], state["seconds"]
        for optimizer, kept in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(kept)

    def learn(self, loss: Tensor, rate: float) -> None:
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
            for group in optimizer.param_groups:
                group["lr"] = rate * group["share"]
        loss.backward()
        nn.utils.clip_grad_norm_(self.models.parameters(), GRADIENT_NORM)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        self._follow()

    @torch.no_grad()
    def _follow(self) -> None:
        """A young average forgets its start faster."""
        share = 1 - min(self.decay, (1 + self.step) / (10 + self.step))
        for name, value in self.models.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, share)

    def load_average(self) -> None:
        self.models.load_state_dict(self.average)


def rate_of(phase: Phase, share: float, step: int) -> float:
    return (phase.rate + (phase.last_rate - phase.rate) * share) * min(1.0, (step + 1) / WARM_UP)


@dataclass
class Log:
    """Mean losses and clips a second since the last line."""

    stage: str
    since: float = field(default_factory=time.monotonic)
    clips: int = 0
    losses: list[Tensor] = field(default_factory=list)

    def add(self, loss: Tensor, clips: int) -> None:
        self.losses.append(loss.detach())
        self.clips += clips

    def say(self, trainee: Trainee, rate: float) -> None:
        speed = self.clips / (time.monotonic() - self.since)
        loss = torch.stack(self.losses).mean().item()
        print(f"{self.stage}: step {trainee.step}, {trainee.seconds:.0f} s, {speed:.2f} clips/s, loss {loss:.4f}, rate {rate:.2e}", flush=True)
        self.since, self.clips, self.losses = time.monotonic(), 0, []

    @property
    def is_due(self) -> bool:
        return time.monotonic() - self.since > LOG_EVERY


LossOf = Callable[[P, Draw], Tensor]


def train(stage: str, folder: Path, trainee: Trainee, schedule: Schedule[P], loss_of: LossOf[P], seed: int) -> None:
    """Ends with the averaged weights in the models."""
    path = folder / f"{stage}.pt"
    if path.exists():
        trainee.restore(torch.load(path, weights_only=True))
        print(f"{stage}: goes on at step {trainee.step}", flush=True)
    log, kept = Log(stage), time.monotonic()
    while now := schedule.at(trainee.step, trainee.seconds):
        phase, started = now[0], time.monotonic()
        rate = rate_of(*now, trainee.step)
        loss = loss_of(phase, Draw.of(seed, stage, trainee.step))
        trainee.learn(loss, rate)
        trainee.seconds += time.monotonic() - started
        log.add(loss, phase.batch)
        if log.is_due:
            log.say(trainee, rate)
        if time.monotonic() - kept > CHECKPOINT_EVERY:
            keeping.save(path, trainee.state())
            kept = time.monotonic()
    if log.losses:
        log.say(trainee, rate)
    keeping.save(path, trainee.state())
    trainee.load_average()
