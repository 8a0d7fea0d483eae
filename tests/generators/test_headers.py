"""What a weights file says of itself is checked before anything is built of it; weights that are no weights are
refused."""

import copy
import json
import random
import resource
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from reposer.core import BadInput
from reposer.core.configs import LARGEST, from_plain, to_plain
from reposer.generators import GENERATORS, RECIPES, load, save
from reposer.generators.gfla import GFLAConfig
from reposer.generators.old_names import RECIPES as OLD_RECIPES
from reposer.generators.patn import PATNConfig
from reposer.nn.weights import HEADER, read_safetensors, write_safetensors
from reposer.probes.motion.network import MotionConfig
from reposer.probes.motion.use import load_motion
from reposer.scoring.model import about_weights

HUGE = 10**9
BYTES = 600 << 20  # more than a tiny network and the address space that a first call of torch takes


@pytest.fixture(scope="module")
def patn(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "patn.safetensors"
    torch.manual_seed(0)
    save(PATNConfig().tiny().build(), path)
    return path


def with_header(path: Path, out: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """A copy of the file whose header is what `change` makes of it: an object to be written as JSON, or a text."""
    tensors, header = read_safetensors(path)
    about = json.loads(header[HEADER])
    changed = change(about)
    changed = about if changed is None else changed
    write_safetensors(out, tensors, {HEADER: changed if isinstance(changed, str) else json.dumps(changed)})
    return out


def put(*where: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(about: dict[str, Any]) -> None:
        inner: Any = about
        for key in where[:-1]:
            inner = inner[key]
        inner[where[-1]] = value

    return change


WRONG = {
    "no family": (lambda a: {k: v for k, v in a.items() if k != "family"}, "header lacks family"),
    "family unknown": (put("family", value="pixelcnn"), "family in x.safetensors is 'pixelcnn'"),
    "family a number": (put("family", value=3), "family in x.safetensors is 3; a text"),
    "family a list": (put("family", value=[]), r"family in x.safetensors is \[\]; a text"),
    "no config": (lambda a: {k: v for k, v in a.items() if k != "config"}, "header lacks config"),
    "config a list": (put("config", value=[1]), "config in x.safetensors is"),
    "config none": (put("config", value=None), "config in x.safetensors is None"),
    "a field unknown": (put("config", "colour", value=1), "unknown fields 'colour'"),
    "width a text": (put("config", "width", value="4"), r"config in x.safetensors\.width is '4'; a whole"),
    "width true": (put("config", "width", value=True), r"config in x.safetensors\.width is True"),
    "width a fraction": (put("config", "width", value=4.5), r"config in x.safetensors\.width is 4.5"),
    "width huge": (put("config", "width", value=HUGE), r"\.width is 1000000000; a whole number up to 65,536"),
    "width below 0": (put("config", "width", value=-4), "above 0"),
    "width another": (put("config", "width", value=64), "missing, left over or of another shape"),
    "blocks many": (put("config", "blocks", value=LARGEST), "far more than there are tensors"),
    "downsamplings many": (put("config", "downsamplings", value=60_000), "config in x.safetensors"),
    "size of one": (
        put("config", "framing", "size", value=[64]),
        r"config in x.safetensors\.framing\.size is \[64\]; a list of 2",
    ),
    "size of texts": (put("config", "framing", "size", value=["64", "32"]), r"\.size\[0\] is '64'"),
    "size below 0": (put("config", "framing", "size", 0, value=-64), "sides of at least 1 pixel"),
    "size nothing": (put("config", "framing", "size", value={}), r"\.size is \{\}; a list"),
    "sigma nan": (put("config", "maps", "sigma", value=float("nan")), r"holds NaN, which is no number"),
    "sigma infinite": (put("config", "maps", "sigma", value=float("inf")), r"holds Infinity, which is no number"),
    "sigma of many digits": (put("config", "maps", "sigma", value=10**400), r"a number of 401 digits"),
    "a choice unknown": (put("config", "upsampling", value="magic"), r"\.upsampling is 'magic'; one of"),
    "skeleton unknown": (put("config", "maps", "skeleton", value="insect"), "There is no skeleton 'insect'"),
    "aspect 0": (put("config", "framing", "aspect", value=0.0), "aspect"),
    "framing a text": (put("framing", value="pad"), "framing in x.safetensors is 'pad'"),
    "framing's size": (put("framing", "size", 0, value=2.5), r"framing in x.safetensors\.size\[0\] is 2.5"),
    "framing of another size": (put("framing", "size", value=[128, 64]), "the network works at"),
    "framing huge": (put("framing", "size", value=[65536, 65536]), "sides up to 2048"),
    "framing's margin": (put("framing", "margin", value=1e9), "a margin in"),
    "framing's fit": (put("framing", "fit", value="crop"), r"\.fit is 'crop'; one of"),
    "another skeleton": (put("skeleton", value="coco17"), "skeleton in x.safetensors is 'coco17'"),
    "no skeleton": (put("skeleton", value="insect"), "skeleton in x.safetensors is 'insect'"),
    "a list": (lambda a: "[]", r"is \[\]; an object was expected"),
    "no JSON": (lambda a: "{", "is not JSON"),
    "deep": (lambda a: "[" * 100_000, "nested too deep"),
    "many digits": (lambda a: '{"family": ' + "1" * 10_000 + "}", "a number of 10000 digits"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_header_that_is_wrong_is_refused_by_the_path_of_what_is_wrong(patn, tmp_path, kind):
    change, said = WRONG[kind]
    with pytest.raises(BadInput, match=said):
        load(with_header(patn, tmp_path / "x.safetensors", change))


ODD: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 2, 3, 7, LARGEST, HUGE, -HUGE, 2**63, 10**400, 1e-300, 1e300, 0.5),
    *(float("nan"), float("inf"), "", "x", "\x1b[31m", "4", [], {}, [[]], [None], [1, 2, 3], {"a": 1}),
    *(["a"] * 2000, [[1, 2]] * 50, "x" * 10_000, list(range(100))),
)


def places(value: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in plain values."""
    yield where
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield from places(inner, (*where, key))


def mutated(about: dict[str, Any], dice: random.Random) -> Any:
    """One to three changes: another value, a field less, a field more, a field of another name."""
    about = copy.deepcopy(about)
    for _ in range(dice.randint(1, 3)):
        where = dice.choice([place for place in places(about) if place])
        inner: Any = about
        for key in where[:-1]:
            inner = inner[key]
        kind = dice.random()
        if kind < 0.75:
            inner[where[-1]] = copy.deepcopy(dice.choice(ODD))
        elif kind < 0.85:
            del inner[where[-1]]
        elif isinstance(inner, dict):
            inner[dice.choice(["width", "size", "extra", ""])] = copy.deepcopy(dice.choice(ODD))
    text = json.dumps(about)
    return text[: dice.randrange(len(text))] if dice.random() < 0.05 else text


@pytest.fixture
def bounded_memory():
    """An allocation beyond what this process has and BYTES fails."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads this process's size from /proc")
@pytest.mark.parametrize("family", list(GENERATORS))
@pytest.mark.parametrize("many", [12, pytest.param(40, marks=pytest.mark.nightly)])
def test_changed_headers_of_each_family_are_refused_in_words_or_load(family, many, tmp_path, bounded_memory):
    torch.manual_seed(0)
    generator = GENERATORS[family]().tiny().build()
    whole, changed = tmp_path / "whole.safetensors", tmp_path / "changed.safetensors"
    save(generator, whole)
    tensors, header = read_safetensors(whole)
    about, dice = json.loads(header[HEADER]), random.Random(family)
    refused = 0
    for _ in range(many):
        text = mutated(about, dice)
        write_safetensors(changed, tensors, {HEADER: text})
        try:
            load(changed)
        except BadInput as error:
            refused += 1
            assert len(str(error)) < 1500, error
    assert refused > many // 2


OLD_HEADERS = json.loads((Path(__file__).parent / "old_headers.json").read_text())
"""Of each family at its tiny size, as saved before framing and pose maps were values of their own."""


@pytest.mark.parametrize("family", OLD_HEADERS)
def test_weights_of_an_earlier_version_load_under_todays_names(family, tmp_path):
    torch.manual_seed(0)
    generator = GENERATORS[family]().tiny().build()
    save(generator, tmp_path / "new.safetensors")
    tensors, _ = read_safetensors(tmp_path / "new.safetensors")
    old = tmp_path / "old.safetensors"
    write_safetensors(old, tensors, {HEADER: json.dumps(OLD_HEADERS[family])})
    loaded = load(old)
    assert loaded.config == generator.config and loaded.framing == generator.framing
    assert all(torch.equal(t, loaded.state_dict()[n]) for n, t in tensors.items())
    assert "framing" not in OLD_HEADERS[family]["config"], "the header was written by an earlier version"


def test_an_old_recipe_is_shown_under_todays_name(tmp_path):
    generator = GENERATORS["drn"]().tiny().build()
    path = tmp_path / "old.safetensors"
    save(generator, path, {"recipe": OLD_HEADERS["drn"]["recipe"]})
    assert about_weights(path)["recipe"] == "drn-fashion-2020" in RECIPES
    assert set(OLD_RECIPES.values()) <= set(RECIPES) and not set(OLD_RECIPES) & set(RECIPES)


def a_config(annotation: Any) -> Any:
    return annotation().tiny() if hasattr(annotation, "tiny") else annotation()


def test_every_config_of_a_family_survives_the_strict_reader():
    for family in GENERATORS.values():
        for config in (family(), a_config(family)):
            plain = json.loads(json.dumps(to_plain(config)))
            assert from_plain(family, plain, bounded=True) == config


def change_tensor(path: Path, out: Path, change: Callable[[torch.Tensor], torch.Tensor]) -> Path:
    tensors, header = read_safetensors(path)
    name = next(name for name, t in tensors.items() if t.is_floating_point() and t.numel() > 8)
    write_safetensors(out, tensors | {name: change(tensors[name])}, header)
    return out


def with_a(number: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def change(tensor: torch.Tensor) -> torch.Tensor:
        changed = tensor.clone().contiguous()
        changed.view(-1)[3] = number
        return changed

    return change


NO_WEIGHTS = {
    "nan": (with_a(float("nan")), "numbers that are not finite"),
    "inf": (with_a(float("inf")), "numbers that are not finite"),
    "float64 beyond float32": (lambda t: t.double().fill_(1e300), "numbers that are not finite"),
    "bool": (lambda t: t > 0, "as bool; the network's own is float32"),
    "int8": (lambda t: t.to(torch.int8), "as int8"),
    "int64": (lambda t: t.to(torch.int64), "as int64"),
    "complex": (lambda t: t.to(torch.complex64), "as complex64"),
    "float8": (lambda t: t.to(torch.float8_e4m3fn), "as float8_e4m3fn"),
    "another shape": (lambda t: t[None].contiguous(), "of another shape"),
    "empty": (lambda t: t.flatten()[:0], "of another shape"),
}


@pytest.mark.parametrize("kind", NO_WEIGHTS)
def test_tensors_that_are_no_weights_are_refused_when_they_are_loaded(patn, tmp_path, kind):
    change, said = NO_WEIGHTS[kind]
    with pytest.raises(BadInput, match=said):
        load(change_tensor(patn, tmp_path / "x.safetensors", change))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_another_precision_are_weights(patn, tmp_path, dtype):
    tensors, header = read_safetensors(patn)
    small = {n: t.to(dtype) if t.is_floating_point() else t for n, t in tensors.items()}
    write_safetensors(tmp_path / "x.safetensors", small, header)
    loaded = load(tmp_path / "x.safetensors").state_dict()
    assert all(torch.equal(loaded[n], t.to(loaded[n].dtype)) for n, t in small.items())


def test_a_motion_network_and_a_released_checkpoint_go_through_the_same_check(tmp_path):
    path = tmp_path / "motion.safetensors"
    network = MotionConfig().tiny().build()
    about = {"family": MotionConfig.family, "config": to_plain(network.config)}
    tensors = {name: t.contiguous() for name, t in network.state_dict().items()}
    write_safetensors(path, tensors, {HEADER: json.dumps(about)})
    load_motion(path)
    with pytest.raises(BadInput, match="numbers that are not finite"):
        load_motion(change_tensor(path, tmp_path / "nan.safetensors", with_a(float("nan"))))
    wrong = with_header(path, tmp_path / "wide.safetensors", put("config", "width", value=HUGE))
    with pytest.raises(BadInput, match=r"config in wide.safetensors\.width"):
        load_motion(wrong)


def test_a_released_checkpoint_with_numbers_that_are_not_finite_is_not_imported(tmp_path):
    from reposer.generators.gfla.released import layers, read_released, twice

    config = replace(GFLAConfig().tiny(), normalize_input=True)
    own = config.build().state_dict()
    tensors = {
        f"{theirs}.{kind}": own[f"{ours}.{kind}"].clone()
        for ours, theirs in layers(config)
        for kind in ("weight", "bias")
    }
    tensors |= {f"{c}.{k}": tensors[f"{o}.{k}"] for c, o in twice(config) for k in ("weight", "bias")}
    path = tmp_path / "released.pth"
    torch.save(tensors, path)
    read_released(path, config)
    next(iter(tensors.values())).fill_(float("nan"))
    torch.save(tensors, path)
    with pytest.raises(BadInput, match="numbers that are not finite"):
        read_released(path, config)
