"""Numbers that a refactoring must not move, to the bit: python -m tests.numbers.record FILE.json [SECTION[/ENTRY]
...], before and after.

Networks at their tiny size, the first 20 losses of the recipes for two cores, pictures of synthetic people and objects
with their truth, and scores under every protocol. `python -m tests.numbers.compare BEFORE.json AFTER.json` says what
moved.
An entry is written into FILE.json when it is complete, beside those that are there. Scores, renders and networks take
two minutes
of one core, the losses the better part of an hour.
"""

import contextlib
import dataclasses
import hashlib
import io
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reposer.cli import main
from reposer.generators import GENERATORS, RECIPES, save
from reposer.probes import PROBE_RECIPES
from reposer.training import train
from tests.arguments import inputs

STEPS = 20


def record(file: Path, wanted: Sequence[str]) -> None:
    """Writes the numbers of these sections, or of single entries of them, into the file, by section and name."""
    torch.set_num_threads(1)
    for section, _, entry in (name.partition("/") for name in wanted):
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            for name, numbers in SECTIONS[section](Path(folder), entry):
                found = json.loads(file.read_text()) if file.is_file() else {}
                found.setdefault(section, {})[name] = numbers
                file.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
                print(f"{section}/{name}: {time.monotonic() - began:.0f} s", flush=True)
                began = time.monotonic()


def networks(folder: Path, entry: str) -> Iterator[tuple[str, Any]]:
    """What each family generates and explains at its tiny size, from seeded weights."""
    for name in GENERATORS:
        torch.manual_seed(0)
        generator = with_audible_weights(GENERATORS[name]().tiny().build())
        source, *conditions = inputs(generator)
        yield f"{name}/generate", digest(generator.generate(source, *conditions))
        explanation = generator.explain(source, *conditions)
        yield f"{name}/explain", {word: digest(layer.values) for word, layer in explanation.layers.items()}
        frames = generator.animate(source[0], conditions[0][0], conditions[1])
        yield f"{name}/animate", [digest(frame) for frame in islice(frames, 3)]


def with_audible_weights(network: nn.Module) -> Any:
    """Weights under which every part of the network has a say: first ones may be near zero."""
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            scale = parameter[0].numel() ** -0.5 if parameter.dim() > 1 else 0.1
            parameter.add_(scale * torch.randn(parameter.shape, generator=random))
    return network.eval()


def losses(folder: Path, entry: str) -> Iterator[tuple[str, Any]]:
    """The terms of the first steps of each recipe for two cores, and of each stage at the tiny size. entry: one recipe
    alone."""
    recipes = {**RECIPES, **PROBE_RECIPES}
    for name in [entry] if entry else recipes:
        if name.endswith("-mini") or name in PROBE_RECIPES:
            recipe = recipes[name]()
            if name == "motion-2020":  # needs Human3.6M
                continue
            yield name, first_losses(dataclasses.replace(recipe, log_every=1), folder / name, STEPS)
        if name in RECIPES and not name.endswith("-mini"):
            tiny = recipes[name]().tiny()
            stages = tuple(dataclasses.replace(stage, steps=2) for stage in tiny.stages)
            tiny = dataclasses.replace(tiny, stages=stages, log_every=1)
            yield f"{name}/tiny", first_losses(tiny, folder / name, 2 * len(stages))


def first_losses(recipe: Any, out: Path, steps: int) -> list[dict[str, float]]:
    train(recipe, out, progress=False, until_step=steps)
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    shutil.rmtree(out)
    timed = ("pictures_per_second", "seconds", "time")
    return [{word: value for word, value in line.items() if word not in timed} for line in lines]


def rendered(folder: Path, entry: str) -> Iterator[tuple[str, Any]]:
    """Files of synthetic people with all truth, as files and as shards, and of objects."""
    people = ("--people", "3", "--test-people", "2", "--views", "3", "--size", "64", "44", "--truth", "--flow")
    for form in ("patn", "shards"):
        yield (f"people/{form}", files_of(folder / form, "synthesize", *people, "--form", form, "--workers", "1"))
    for kind in ("cars", "chairs"):
        count = ("--objects", "2", "--test-objects", "1", "--size", "48", "48")
        yield kind, files_of(folder / kind, "synthesize-objects", "--kind", kind, *count)


def files_of(out: Path, command: str, *options: str) -> dict[str, str]:
    run("data", command, str(out), *options)
    if list(out.glob("*.hdf5")):
        return hdf5_digests(out)
    return {str(p.relative_to(out)): file_digest(p) for p in sorted(out.rglob("*")) if p.is_file()}


def hdf5_digests(folder: Path) -> dict[str, str]:
    """By content: the file itself may hold times."""
    import h5py

    found: dict[str, str] = {}
    for path in folder.glob("*.hdf5"):
        with h5py.File(path) as file:
            file.visititems(
                lambda name, item: (
                    found.update({name: hashlib.sha256(item[()].tobytes()).hexdigest()})
                    if hasattr(item, "shape")
                    else None
                )
            )
    return found


def scores(folder: Path, entry: str) -> Iterator[tuple[str, Any]]:
    """A small folder under every protocol, and a model of each kind under its own."""
    people, generated = folder / "people", folder / "generated"
    run("data", "synthesize", str(people), "--people", "1", "--test-people", "3", "--views", "3")
    torch.manual_seed(0)
    generator = with_audible_weights(GENERATORS["gfla"]().tiny().build())
    save(generator, folder / "people.safetensors")
    generated.mkdir()
    targets = sorted((people / "test").glob("*.png"))
    for source, target in zip(targets, targets[1:] + targets[:1], strict=True):
        shutil.copy(source, generated / f"{source.stem}_2_{target.stem}_vis.png")
    lists = ("--annotations", str(people / "fasion-resize-annotation-test.csv"))
    out = folder / "scored"
    options = ("--targets", str(people / "test"), *lists, "--workers", "0", "--without-networks")
    run("score", str(generated), *options, "--protocol", "all", "--out", str(out), codes=(0, 1))
    for report in sorted(out.rglob("report.json")):
        yield f"score/{report.parent.name}", summary(report)
    evaluated = folder / "evaluated"
    options = ("--data", str(people), "--out", str(evaluated), "--device", "cpu")
    protocol = ("--protocol", "reposer-v1-reconstruction")
    run("evaluate", str(folder / "people.safetensors"), *options, *protocol, codes=(0, 1))
    yield "evaluate", [summary(report) for report in sorted(evaluated.rglob("report*.json"))]


def summary(report: Path) -> Any:
    return json.loads(report.read_text())["summary"]


def run(*arguments: str, codes: tuple[int, ...] = (0,)) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
        code = main(list(arguments))
    assert code in codes, f"{arguments}: exit code {code}\n{said.getvalue()}"


def digest(values: torch.Tensor) -> str:
    values = values.detach().contiguous().cpu()
    return f"{tuple(values.shape)} {hashlib.sha256(values.numpy().tobytes()).hexdigest()}"


def file_digest(path: Path) -> str:
    content = path.read_bytes()
    if path.name == "about.json":  # names the code that wrote the folder, which a refactoring changes
        content = json.dumps({k: v for k, v in json.loads(content).items() if k != "code"}).encode()
    return hashlib.sha256(content).hexdigest()


SECTIONS = {"scores": scores, "rendered": rendered, "networks": networks, "losses": losses}


if __name__ == "__main__":
    record(Path(sys.argv[1]), sys.argv[2:] or list(SECTIONS))
