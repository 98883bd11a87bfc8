"""Muon for matrices and kernels, AdamW for the rest.

Muon takes the momentum's nearest orthogonal matrix for its step, so that every direction of a weight learns at the same pace
(K. Jordan, "Muon: an optimizer for hidden layers in neural networks", 2024). Its step has the root mean square 0.2, which is
about AdamW's, so learning rates of both may be named side by side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn

STEP_SIZE = 0.2  # root mean square of a step at learning rate 1
NEWTON_SCHULZ = ((3.4445, -4.7750, 2.0315),) * 5  # a quintic that carries singular values to about 1


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest orthogonal matrix of each, [N, rows, columns], roughly: singular values end between 0.7 and 1.2."""
    is_tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if is_tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for linear, cubic, quintic in NEWTON_SCHULZ:
        square = x @ x.mT
        x = linear * x + (cubic * square + quintic * square @ square) @ x
    return x.mT if is_tall else x


class Muon(torch.optim.Optimizer):
    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.02) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike[_rows_and_columns(parameter)].append(parameter)
            for shape, parameters in alike.items():
                self._step_together(group, shape, parameters)

    def _step_together(self, group: dict, shape: tuple[int, int], parameters: list[nn.Parameter]) -> None:
        """Matrices of one shape in one batched product."""
        directions = orthogonal(torch.stack([self._momentum(group, each).reshape(shape) for each in parameters]))
        scale = STEP_SIZE * max(shape) ** 0.5
        for parameter, direction in zip(parameters, directions):
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.sub_(group["lr"] * scale * direction.reshape(parameter.shape))

    def _momentum(self, group: dict, parameter: nn.Parameter) -> Tensor:
        """Nesterov's: the running mean of gradients, looked up one step ahead."""
        state = self.state[parameter]
        mean = state.setdefault("mean", torch.zeros_like(parameter))
        mean.lerp_(parameter.grad, 1 - group["momentum"])
        return torch.lerp(parameter.grad, mean, group["momentum"])


def _rows_and_columns(parameter: nn.Parameter) -> tuple[int, int]:
    return parameter.shape[0], parameter.numel() // parameter.shape[0]


def optimizers(matrices: list[nn.Parameter], others: list[nn.Parameter], share_of_others: float) -> list[torch.optim.Optimizer]:
    """Learning rates are set before every step; `share_of_others` is AdamW's share of Muon's."""
    adam = torch.optim.AdamW(others, lr=0.0, betas=(0.9, 0.98), weight_decay=0.0)
    adam.param_groups[0]["share"] = share_of_others
    muon = Muon(matrices, lr=0.0)
    muon.param_groups[0]["share"] = 1.0
    return [muon, adam]
