"""A recipe determines a run completely: model, data, stages, batch, seed, precision, averaging."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import torch
from torch import nn
from tyro.constructors import PrimitiveConstructorSpec

from reposer.core import BadInput, Registry, quoted
from reposer.core.configs import at_least, non_finite, to_plain

R = TypeVar("R", bound="Recipe")


@dataclass(frozen=True)
class Adam:
    """One player's optimiser (Kingma and Ba 2015)."""

    learning_rate: float = 1e-4
    """Learning rate, before the stage's schedule and warmup."""
    betas: tuple[float, float] = (0.0, 0.999)
    """Decay of the running means of the gradient and of its square."""
    weight_decay: float = 0.0
    """Decoupled weight decay, per step and learning rate."""

    def __post_init__(self) -> None:
        if not self.learning_rate > 0 or not all(0 <= b < 1 for b in self.betas) or not self.weight_decay >= 0:
            raise BadInput(
                f"Adam needs a learning rate above 0, betas in [0, 1) and a weight decay of at least 0, not {self}."
            )

    def build(self, player: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.AdamW(
            player.parameters(), lr=self.learning_rate, betas=self.betas, weight_decay=self.weight_decay
        )


@dataclass(frozen=True)
class RAdam(Adam):
    """Adam with rectified steps while the mean of squares is still uncertain (Liu et al. 2020)."""

    rule: Literal["RAdam"] = "RAdam"
    """Distinguishes RAdam from Adam in a receipt."""

    def build(self, player: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.RAdam(
            player.parameters(),
            lr=self.learning_rate,
            betas=self.betas,
            weight_decay=self.weight_decay,
            decoupled_weight_decay=True,
        )


@dataclass(frozen=True)
class Start:
    """Initial weights of a stage."""

    file: str
    """A `.safetensors` written by Reposer."""
    prefixes: tuple[str, ...]
    """Prefixes of the names of the tensors to take. The others stay unchanged, and are reported."""


def _start_from_words(words: list[str]) -> Start | None:
    """FILE, then the prefixes; nothing, or the word None, means no start."""
    if words in ([], ["None"]):
        return None
    return Start(words[0], tuple(words[1:]) or ("",))


START_ON_COMMAND_LINE = PrimitiveConstructorSpec[Start | None](
    nargs="*",
    metavar="FILE [PREFIX ...]",
    instance_from_str=_start_from_words,
    is_instance=lambda value: value is None or isinstance(value, Start),
    str_from_instance=lambda start: ["None"] if start is None else [start.file, *start.prefixes],
)
"""`--stages.0.start FILE flow_net.` as a single option, which an optional dataclass would not give."""
LARGEST_BATCH = 65_536
SEEDS = 2**62
OWN_PACKAGE = __name__.split(".")[0]


@dataclass(frozen=True)
class Stage:
    """A part of a run with one objective. A family narrows the type of `objective`."""

    name: str
    """Name of the stage, shown in the log."""
    objective: Any
    """The config of an `Objective`: `build(generator)` makes it, `tiny()` is its small form."""
    steps: int
    """Number of steps, one batch each."""
    optimisers: Mapping[str, Adam]
    """One optimiser per player of the objective."""
    schedule: Literal["constant", "linear-to-zero"] = "constant"
    """The learning rate over the stage; "linear-to-zero" falls to 0 after the share `hold` of it."""
    hold: float = 0.5
    """Share of the stage, from 0 to below 1, after which a "linear-to-zero" learning rate starts to fall."""
    warmup: int = 0
    """Steps over which the learning rate rises from 0."""
    start: Annotated[Start | None, START_ON_COMMAND_LINE] = None
    """Weights to start from: a `.safetensors`, then prefixes of the names of the tensors to take; no prefixes = all."""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.warmup < 0:
            raise BadInput(
                f"The stage '{self.name}' needs at least 1 step and a warmup of at least 0 steps, not {self.steps} and "
                f"{self.warmup}."
            )
        if not 0 <= self.hold < 1:
            raise BadInput(f"The stage '{self.name}' needs a hold from 0 to below 1, not {self.hold}.")

    def learning_rate_factor(self, step: int) -> float:
        """The factor on the learning rate at this stage's step `step` (from 0)."""
        rise = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        fall = 1.0
        if self.schedule == "linear-to-zero":
            fall = min(1.0, (self.steps - step) / ((1 - self.hold) * self.steps))
        return rise * fall


def _refuse_senseless(plain: Any, where: str) -> None:
    """BadInput for a number of an objective's config that nothing is meant by: one below 0 (a network would learn the
    reverse), or a width or a number of layers of 0."""
    if isinstance(plain, dict | list):
        for key, value in plain.items() if isinstance(plain, dict) else enumerate(plain):
            _refuse_senseless(value, f"{where}.{key}")
    elif isinstance(plain, int | float):
        least = 1 if isinstance(plain, int) and where.endswith(("width", "layers")) else 0
        if plain < least:
            raise BadInput(f"{where} is {plain}; a number of at least {least} is expected.")


@dataclass(frozen=True)
class Recipe:
    """A complete run. A family's recipe narrows the types of `model` and `stages`."""

    name: str
    """The recipe's name."""
    model: Any
    """The generator's config."""
    stages: tuple[Any, ...]
    """The stages, in order."""
    data: Any
    """The data set's config: `open(framing)` makes the data set, `tiny()` is a config of few items; `reposer.recipes`
    has those of files."""
    batch_size: int = 8
    """Pictures per step, over all processes."""
    accumulation: int = 1
    """Number of parts that a step's batch is divided into. They are processed one after the other, which takes less
    memory, and their gradients add up to those of the whole batch."""
    seed: int = 0
    """Seed of the weights, the data order and the noise."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """fp32, or bf16: layers compute in bfloat16 where that is safe (autocast), which is faster and takes less memory
    on GPUs that have it; weights, losses, flow and sampling positions stay float32."""
    ema: float = 0.999
    """Decay of the averaged generator, which is the one that is kept; it warms up as (1 + n) / (10 + n)."""
    workers: int = 0
    """Number of processes that load data; 0 = the training process itself."""
    log_every: int = 50
    """Steps between two lines of the log."""
    save_every: int = 500
    """Steps between two saved states."""
    keep: int = 0
    """Number of saved generators to keep in the folder `checkpoints`, numbered by step; older ones are removed. 0 =
    none are added, and none removed: `generator.safetensors` is the newest."""
    picture_every: int = 500
    """Steps between two picture sheets."""

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= LARGEST_BATCH or not self.stages or not 0 <= self.ema < 1:
            raise BadInput(
                f"A recipe needs a batch of 1 to {LARGEST_BATCH:,}, at least one stage and an EMA decay in [0, 1); "
                f"this came: a batch of {self.batch_size}, {len(self.stages)} stages, a decay of {self.ema}."
            )
        for name in ("log_every", "save_every", "picture_every"):
            at_least(1, name, getattr(self, name))
        at_least(1, "accumulation", self.accumulation)
        if self.accumulation > self.batch_size:
            raise BadInput(
                f"--accumulation is {self.accumulation}; a batch of {self.batch_size} has at most that many parts."
            )
        for name in ("workers", "seed", "keep"):
            at_least(0, name, getattr(self, name))
        if self.seed >= SEEDS:
            raise BadInput(f"--seed is {quoted(self.seed)}; a whole number below 2^62 is expected.")
        if (where := non_finite(to_plain(self))) is not None:
            raise BadInput(f"The recipe's value {where} is not a finite number; give it another one.")
        for n, stage in enumerate(self.stages):
            if type(stage.objective).__module__.split(".")[0] == OWN_PACKAGE:  # what others mean by theirs is not known
                _refuse_senseless(to_plain(stage.objective), f"stages.{n}.objective")

    @property
    def steps(self) -> int:
        return sum(stage.steps for stage in self.stages)

    def tiny(self: R) -> R:
        """The same run at a size for tests: tiny networks, two steps per stage, four synthetic people."""
        stages = tuple(replace(s, objective=s.objective.tiny(), steps=2, start=None) for s in self.stages)
        return replace(
            self,
            model=self.model.tiny(),
            stages=stages,
            data=self.data.tiny(),
            batch_size=2,
            accumulation=1,
            precision="fp32",
            workers=0,
            log_every=1,
            save_every=2,
            picture_every=2,
        )

    def build(self) -> Any:
        """The generator (or a probe's network) with its initial weights, which are a function of the recipe's seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            try:
                return self.model.build()
            except (RuntimeError, MemoryError, OverflowError) as error:
                raise BadInput(
                    f"The network of this recipe cannot be made ({' '.join(str(error).split())[:200]}). Give --model "
                    f"values that fit into this machine's memory."
                ) from error

    def refuse_unreadable(self, dataset: Any) -> None:
        """BadInput if the run would skip some of the data set; called once, before the first step."""

    def afterwards(self, out: Path) -> str:
        """The command line's hint about the results of a finished run in the folder `out`."""
        data = f" --data {self.data.root}" if self.data.root else ""
        return f"Score it: reposer evaluate {out / 'generator.safetensors'}{data}"


RECIPES: Registry[Callable[[], Recipe]] = Registry("recipe", "reposer.recipes")
PROBE_RECIPES: Registry[Callable[[], Recipe]] = Registry("recipe of a probe")
"""Recipes of networks that analyse people: their result is no `Generator`, and their data are not pairs."""
