"""Pages and tables made from the code: commands, recipes, protocols, the Python reference, the options of configs."""

import contextlib
import dataclasses
import importlib
import inspect
import io
import json
import os
import re
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

MODULES = (
    "reposer",
    "reposer.own_photo",
    "reposer.pipeline",
    "reposer.core",
    "reposer.core.composition",
    "reposer.core.retargeting",
    "reposer.core.tracks",
    "reposer.generators",
    "reposer.data",
    "reposer.data.poses",
    "reposer.extraction",
    "reposer.recipes",
    "reposer.training",
    "reposer.losses.adversarial",
    "reposer.losses.flow",
    "reposer.losses.perceptual",
    "reposer.evaluation",
    "reposer.metrics",
    "reposer.scoring.model",
    "reposer.scoring.options",
    "reposer.scoring.outcome",
    "reposer.leaderboard",
    "reposer.study",
    "reposer.estimators",
    "reposer.probes",
    "reposer.nn.features",
    "reposer.nn.maps",
    "reposer.nn.warp",
    "reposer.nn.local_attention",
    "reposer.animation.video",
    "reposer.animation.driving",
    "reposer.animation.photo_clip",
    "reposer.engines.export",
    "reposer.engines.run",
    "reposer.batch",
    "reposer.personalize",
    "reposer.needs.pictures",
    "reposer.needs.scores",
    "reposer.synthetic.people",
    "reposer.synthetic.objects",
)
"""The modules of the Python reference, in its order."""
LEFT_OUT = {
    "cli": "what the commands say is a page of its own, and nothing there is called from Python",
    "web": "the page is served by `reposer web`; its requests are no interface for others",
    "weights": "files, no code",
    "estimated": "what `reposer.estimate_pose` and `reposer.repose` use; these are called instead",
}
"""Parts of the package without a page, and why."""
CALLS = """\
import reposer
from reposer.core import Batch
from reposer.data import open_dataset

reposer.repose("photo.jpg", "other_photo.jpg").save("reposed.png")

generator = reposer.load("trueflow")  # or a .safetensors, a run's folder, hf://OWNER/NAME
source_pose, target_pose = (reposer.estimate_pose(name) for name in ("photo.jpg", "other_photo.jpg"))
answer = reposer.transfer(generator, "photo.jpg", source_pose, target_pose)

dataset = open_dataset("DIR", "test", generator.framing)
pair = Batch.stack([dataset[0]])
pictures = generator.generate(pair.source, pair.source_pose, pair.target_pose)
report = reposer.evaluate(generator.generate, "reposer-v1-reconstruction", dataset)
"""
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
WIDTH = 110  # columns of the commands' help


def pages() -> dict[str, str]:
    """The pages made from the code, by their place."""
    return {
        "commands.md": "".join(_commands()),
        "recipes.md": "".join(_recipes()),
        "protocols.md": "".join(_protocols()),
        "api.md": _reference_index(),
        **{f"api/{name}.md": "".join(_module(name)) for name in MODULES},
        **{f"notebooks/{path.stem}.md": _notebook(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))},
    }


def filled(text: str) -> str:
    """A page whose lines `<!-- config: FAMILY -->` and `<!-- recipes: PREFIX ... -->` have become tables."""

    def config(match: re.Match[str]) -> str:
        from reposer.generators import GENERATORS

        return _fields(GENERATORS[match[1]])

    def recipes(match: re.Match[str]) -> str:
        from reposer.generators import RECIPES

        own = [name for name in RECIPES if re.fullmatch(match[1], name)]
        assert own, f"no recipe is called {match[1]}"
        return "".join(_recipe(name, RECIPES[name]) for name in own)

    text = re.sub(r"^<!-- config: (\S+) -->$", config, text, flags=re.MULTILINE)
    return re.sub(r"^<!-- recipes: (.+) -->$", recipes, text, flags=re.MULTILINE)


# --- Commands


def _commands() -> Iterator[str]:
    from reposer.cli import COMMANDS

    yield "# Commands\n\nWhat `reposer COMMAND --help` prints, for each command.\n\n"
    yield "| command | what it does |\n|---|---|\n"
    for name, text in COMMANDS.items():
        yield f"| [`reposer {name}`](#reposer-{name}) | {_cell(text)} |\n"
    for name in COMMANDS:
        yield f"\n## `reposer {name}` {{ #reposer-{name} }}\n"
        for words in _with_subcommands((name,)):
            yield f"\n```text\n{_help(words)}\n```\n"


def _with_subcommands(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The command, and each of its subcommands if it has some."""
    yield words
    listed = re.search(r"\{([a-z,-]+)\}", _help(words))
    if listed is not None and "subcommands" in _help(words):
        yield from ((*words, word) for word in listed[1].split(","))


@cache
def _help(words: tuple[str, ...]) -> str:
    from reposer.cli import main

    said = io.StringIO()
    settings = {"COLUMNS": str(WIDTH), "NO_COLOR": "1", "TERM": "dumb"}
    with patch.dict(os.environ, settings), contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        main([*words, "--help"])
    return "\n".join(line.rstrip() for line in said.getvalue().strip().splitlines())


# --- Recipes and protocols


def _recipes() -> Iterator[str]:
    from reposer.generators import RECIPES
    from reposer.probes import PROBE_RECIPES

    yield "# Recipes\n\nWhat `reposer train RECIPE` trains. `reposer recipes` prints the list; "
    yield "`reposer train RECIPE --help` has an option for every value of a recipe.\n\n"
    for title, recipes in (("Generators", RECIPES), ("Probes: networks that look at pictures", PROBE_RECIPES)):
        yield f"## {title}\n\n"
        for name, build in recipes.items():
            yield _recipe(name, build)


def _recipe(name: str, build: Callable[[], Any]) -> str:
    recipe = build()
    size = "x".join(map(str, getattr(recipe.model, "framing", recipe.model).size))
    steps = " + ".join(f"{stage.steps:,}" for stage in recipe.stages)
    about = f"{size} · {steps} steps of {recipe.batch_size} · {recipe.precision}"
    return f"### `{name}` {{ #recipe-{name} }}\n\n*{about}*\n\n{_prose(build.__doc__)}\n\n"


def _protocols() -> Iterator[str]:
    from reposer.evaluation import PROTOCOLS

    yield "# Protocols\n\n"
    yield "Everything a number depends on, protocol by protocol, with the place where each fact was read. "
    yield "`reposer score GENERATED --targets TARGETS --protocol NAME` follows one; `--protocol all` shows how a score "
    yield "moves when only the rules change. Why this matters: [evaluation](evaluation.md).\n\n"
    for name, protocol in PROTOCOLS.items():
        yield f"## `{name}` {{ #{name} }}\n\n| | | where it was read |\n|---|---|---|\n"
        for what, value, source in protocol.words():
            yield f"| {_cell(what)} | {_cell(value)} | {_cell(source)} |\n"
        yield "\n"


# --- The Python reference


def _reference_index() -> str:
    rows = [f"| [`{name}`](api/{name}.md) | {_cell(_first_line(importlib.import_module(name)))} |" for name in MODULES]
    return "\n".join(
        [
            "# Python",
            "",
            "The public modules, from their docstrings. Five calls do most of the work:",
            "",
            "```python",
            *CALLS.splitlines(),
            "```",
            "",
            "| module | what is in it |",
            "|---|---|",
            *rows,
            "",
        ]
    )


def _module(name: str) -> Iterator[str]:
    module = importlib.import_module(name)
    yield f"# `{name}`\n\n{_prose(module.__doc__)}\n"
    for word in _public(module):
        yield f"\n## `{word}` {{ #{word} }}\n\n{_thing(word, getattr(module, word))}\n"


def _public(module: Any) -> list[str]:
    """The names that a module offers: its `__all__`, or what it defines itself."""
    words = getattr(module, "__all__", None)
    if words is None:
        own = (n for n, v in vars(module).items() if getattr(v, "__module__", None) == module.__name__)
        words = [n for n in own if not n.startswith("_")]
    return [word for word in words if not word.startswith("__")]


def _thing(word: str, value: Any) -> str:
    """A name's description: a signature and its docstring, fields and methods of a class, the entries of a registry."""
    from reposer.core import Registry

    if isinstance(value, Registry):
        return f"A registry: every {value.noun} by its name. It has {', '.join(f'`{entry}`' for entry in value)}."
    if inspect.isclass(value):
        methods = [_method(value, name) for name in vars(value) if not name.startswith("_")]
        parts = [_signature(word, value), _prose(value.__doc__), _fields(value), *methods]
        return "\n\n".join(part for part in parts if part)
    if callable(value) and not hasattr(value, "__origin__"):
        return f"{_signature(word, value)}\n\n{_prose(value.__doc__)}"
    return f"`{_short(repr(value))[:300]}`"


def _method(owner: type, name: str) -> str:
    value = inspect.getattr_static(owner, name)
    value = value.__func__ if isinstance(value, classmethod | staticmethod) else value
    if isinstance(value, property):
        return f"**`{name}`** {_prose(value.__doc__)}" if value.__doc__ else ""
    if not inspect.isfunction(value) or not value.__doc__:
        return ""
    return f"**`.{name}`**\n\n{_signature(name, value)}\n\n{_prose(value.__doc__)}"


def _signature(word: str, value: Any) -> str:
    try:
        signature = str(inspect.signature(value))
    except (ValueError, TypeError):
        return ""
    signature = _short(signature)
    if len(word + signature) > 90:
        inside = re.fullmatch(r"\((.*)\)( -> .*)?", signature, re.DOTALL)
        if inside is not None:
            lines = "".join(f"    {argument},\n" for argument in _split(inside[1]))
            signature = f"(\n{lines}){inside[2] or ''}"
    return f"```python\n{word}{signature}\n```"


def _split(arguments: str) -> list[str]:
    """Arguments at their own commas, not those inside brackets or texts."""
    found, depth, start, quote = [], 0, 0, ""
    for place, letter in enumerate(arguments):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif letter == "," and depth == 0:
            found.append(arguments[start:place].strip())
            start = place + 1
    return [*found, arguments[start:].strip()]


def _short(text: str) -> str:
    """A text without the modules of names, and without places in memory."""
    text = re.sub(r"(?:[a-z_0-9]+\.)+(?=[A-Za-z_]+)", "", text)
    text = re.sub(r"<factory>|<[^<>]* at 0x[0-9a-f]+>", "...", text)
    return re.sub(r"-> '(\w+)'", r"-> \1", text)


def _fields(owner: type) -> str:
    """A table of a dataclass's documented fields: default and description."""
    if not dataclasses.is_dataclass(owner):
        return ""
    from reposer.cli.options import field_docs

    said = field_docs(owner)
    rows = [
        f"| `{f.name}` | {_default(f)} | {_cell(said[f.name])} |" for f in dataclasses.fields(owner) if f.name in said
    ]
    return "\n".join(["| value | default | what it is |", "|---|---|---|", *rows]) if rows else ""


def _default(field: "dataclasses.Field[Any]") -> str:
    if field.default is not dataclasses.MISSING:
        return f"`{_cell(_short(repr(field.default)))}`"
    if field.default_factory is not dataclasses.MISSING:
        return f"`{_cell(_short(repr(field.default_factory())))}`"
    return "needed"


# --- Notebooks


def _notebook(path: Path) -> str:
    """A notebook's text and code as a page."""
    cells = json.loads(path.read_text())["cells"]
    first, *others = ("".join(cell["source"]) for cell in cells)
    kinds = [cell["cell_type"] for cell in cells[1:]]
    parts = [f"```python\n{part}\n```" if kind == "code" else part for kind, part in zip(kinds, others, strict=True)]
    where = f"This page is `notebooks/{path.name}` of the repository, a notebook that a test runs from top to bottom."
    return "\n\n".join([first, where, *parts]) + "\n"


# --- Text


def _first_line(module: Any) -> str:
    """The first paragraph of a module's docstring."""
    return " ".join(inspect.cleandoc(module.__doc__ or "").split("\n\n")[0].split())


def _prose(docstring: str | None) -> str:
    """A docstring as Markdown: its lists of `name: text` become lists, its examples code."""
    blocks = []
    for block in re.split(r"\n\s*\n", inspect.cleandoc(docstring or "")):
        if ">>>" in block:
            blocks.append(f"```python\n{re.sub(r'  # doctest.*', '', block)}\n```")
        elif re.match(r"(Args:\n\s+)?[a-z_]+(, [a-z_]+)*: ", block):
            body = textwrap.dedent(re.sub(r"^Args:\n", "", block))
            entries = re.split(r"\n(?=[a-z_]+(?:, [a-z_]+)*: )", body)
            blocks.append("\n".join(_entry(entry) for entry in entries))
        else:
            blocks.append(_escaped(block))
    return "\n\n".join(blocks)


def _entry(text: str) -> str:
    names, _, rest = text.partition(": ")
    return f"* `{names}`: {_escaped(' '.join(rest.split()))}"


def _escaped(text: str) -> str:
    """Text whose `<`, `*` and `_` are themselves, outside of code."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if k % 2 else re.sub(r"([<*_\[\]])", r"\\\1", part) for k, part in enumerate(parts))


def _cell(text: str) -> str:
    """A text for a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
