"""The leaderboard: systems that see the same number of pictures, or train for the same time, scored by the same
protocol.

A system's averaged generator is scored after a set number of pictures, and after a set number of minutes of training:
of processor time, so that a busy machine gives the same table, or by the clock, where a GPU computes.
Learning rates stay constant after their warm-up and every system is averaged alike, so one run serves both moments. A
system of several stages runs once for each moment, so that its stages keep their shares of it: PG2's first network is
frozen in its second stage, and cutting the first stage short would spoil all that follows.

Entries that are not trained here, networks from files and folders of pictures made elsewhere, are scored on the same
pairs and stand in both tables.
"""

import json
import math
import platform
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch

from reposer.core import BadInput, Batch, Framing, Generator, Pose
from reposer.core.choices import evenly
from reposer.core.configs import from_plain, to_plain
from reposer.core.disk import write_text
from reposer.core.framing import size_of
from reposer.core.json_files import object_in
from reposer.core.processes import Terminated
from reposer.core.shown import in_markdown
from reposer.core.skeleton import OPENPOSE_18
from reposer.core.terminal import Terminal
from reposer.data import PairDataset, open_dataset
from reposer.data.dataset import FilePairs
from reposer.data.picture_kinds import PICTURE_SUFFIXES
from reposer.data.pictures import picture_header
from reposer.evaluation import PROTOCOLS, Folders, OnWholePictures, Report, evaluate, score_folder
from reposer.evaluation.folder import in_words
from reposer.evaluation.folder_geometry import Declared, same_shape
from reposer.evaluation.numbers import titled, written
from reposer.evaluation.sheets import picture_sheet, write_sheet
from reposer.generators import load
from reposer.generators.copy_source import CopySource, CopySourceConfig
from reposer.metrics import METRICS
from reposer.nn.maps import stick_picture
from reposer.recipes import DataConfig, TruePairsConfig
from reposer.synthetic.people import write_people
from reposer.synthetic.people.drafts import ABOUT
from reposer.synthetic.people.true_views import write_views
from reposer.training import RECIPES, Recipe, TrainingStopped, train
from reposer.training.contents import digest
from reposer.training.loop import must_begin
from reposer.training.run_folder import RunFolder, Taken
from reposer.training.same_run import differences

Score = tuple[float, float, float]  # mean, and the ends of its interval
Moment = Literal["pictures", "minutes"]
Clock = Literal["processor", "wall"]
MOMENTS: tuple[Moment, ...] = ("pictures", "minutes")
BATCH = 8  # pictures of one step, for every system
FASHION = (256, 176)  # of the scored pictures, if those of a data set have several sizes
NO_END = 10_000_000  # steps of the last stage, which only the contest ends
SHEET_ROWS = 8
COPY = "copy-the-source"
TRUTH = "true-pairs"
"""First word of the names of folders of rendered pairs with their true flow, for systems that learn from it."""


@dataclass(frozen=True)
class Contest:
    """Which systems compete, on which data and for how long.

    systems: recipes by the name shown in the table.
    size: (height, width) of the people's pictures, in pixels; the truth that all are scored against.
    people, test_people: number of people to render, in four views each.
    pairs: number of pairs of the test people to score.
    pictures, minutes: the two moments of scoring.
    clock: what the minutes are of: processor time of the training, all its threads and workers together, or the
        clock's time.
    average: decay of the averaged generator of every system.
    data: folder of the pairs to train and score on, in its splits train and test; None = people rendered for it.
    made: entries that are not trained here, by name: a `.safetensors`, or a folder of pictures of the pairs of `data`.
    """

    systems: Mapping[str, Callable[[], Recipe]]
    size: tuple[int, int]
    people: int
    test_people: int
    pairs: int
    pictures: int
    minutes: float
    average: float
    clock: Clock = "processor"
    protocol: str = "reposer-v1-reconstruction"
    data: str | None = None
    made: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """All entries but copying, in the order of the table."""
        return (*self.systems, *self.made)

    @property
    def steps(self) -> int:
        """After how many batches a system has seen the contest's number of pictures."""
        return math.ceil(self.pictures / BATCH)

    @property
    def words(self) -> str:
        """What the minutes are called."""
        return "processor minutes" if self.clock == "processor" else "minutes"


def mini() -> Contest:
    """The small form of every system, for two CPU cores (docs/leaderboard.md); 24 processor minutes are 12 by the clock
    of two cores that do nothing else."""
    return Contest(
        systems={
            "PG2": RECIPES["pg2-mini"],
            "PATN": RECIPES["patn-mini"],
            "GFLA": RECIPES["gfla-mini"],
            "RATE-Net": RECIPES["rate-net-mini"],
            "DRN": RECIPES["drn-mini"],
            "TrueFlow": RECIPES["trueflow-mini"],
        },
        size=(128, 88),
        people=2400,
        test_people=40,
        pairs=240,
        pictures=3840,
        minutes=24.0,
        average=0.995,
        protocol="reposer-v1-leaderboard",
    )


def full() -> Contest:
    """The published size of every system, for a GPU."""
    return Contest(
        systems={
            "PG2": RECIPES["pg2-fashion-2017"],
            "PATN": RECIPES["patn-fashion-2019"],
            "GFLA": RECIPES["gfla-fashion"],
            "RATE-Net": RECIPES["rate-net-fashion-2020"],
            "DRN": RECIPES["drn-fashion-2020"],
            "TrueFlow": RECIPES["trueflow"],
        },
        size=(256, 176),
        people=10_000,
        test_people=100,
        pairs=600,
        pictures=200_000,
        minutes=240.0,
        clock="wall",
        average=0.999,
        protocol="reposer-v1-leaderboard",
    )


def on_data(contest: Contest, root: str) -> Contest:
    """The same contest on a data set of pairs of people: on its test split, at its files' size if they have one size
    that is the pictures' shape, otherwise at the size that the data set gives them, or FASHION if these are several.
    Pictures made elsewhere are refused where they could not be laid over the truth."""
    test = open_dataset(Path(root), "test", Framing(FASHION))  # which photos of several sizes need
    if not isinstance(test.poses[test.rows[0].target_name], Pose):
        raise BadInput(f"{root} holds views of objects; the leaderboard is of people.")
    wanted = {test.target_size(i) for i in range(len(test))}
    size = next(iter(wanted)) if len(wanted) == 1 else FASHION
    paths = {test.picture_path(row.target_name) for row in test.rows}
    in_files = all(path.suffix.lower() in PICTURE_SUFFIXES for path in paths)  # not in shards, say
    if folders := [name for name, path in contest.made.items() if Path(path).is_dir()]:
        _refuse_folders(folders[0], root, in_files=in_files, sizes=wanted)
    files = {picture_header(path) for path in paths} if in_files else wanted
    own = next(iter(files)) if len(files) == 1 else size
    return replace(contest, data=root, size=own if same_shape(own, size) else size)


def _refuse_folders(name: str, root: str, *, in_files: bool, sizes: Set[tuple[int, int]]) -> None:
    """BadInput unless pictures made elsewhere can be laid over the data set's."""
    if not in_files:
        raise BadInput(
            f"The pictures of {root} lie in shards or in one large file; pictures made elsewhere ({name}) are compared "
            f"with picture files. Give the data as a folder of pictures, or leave {name} out."
        )
    if len(sizes) > 1:
        few = ", ".join(f"{h}x{w}" for h, w in sorted(sizes)[:3])
        raise BadInput(
            f"The pictures of {root} have {len(sizes)} sizes ({few}, ...); pictures made elsewhere ({name}) are "
            f"compared with pictures of one size. Crop the photos alike, or leave {name} out."
        )


def with_own_features(contest: Contest) -> Contest:
    """The same networks, trained with the losses of the small recipes: the shipped feature network instead of VGG."""

    def own(name: str) -> Callable[[], Recipe]:
        def build() -> Recipe:
            recipe, small = contest.systems[name](), mini().systems[name]()
            stages = zip(recipe.stages, small.stages, strict=True)
            own_losses = tuple(replace(s, objective=m.objective) for s, m in stages)
            return replace(recipe, name=f"{recipe.name}-own-features", stages=own_losses)

        return build

    return replace(contest, systems={name: own(name) for name in contest.systems})


@dataclass(frozen=True)
class Entry:
    """A system at one moment.

    parameters: of the generator.
    pictures: seen in training.
    processor_minutes, minutes: of training; processor time of all threads and workers, and time by the clock.
    milliseconds: to generate one picture, the best of five; processor time on a CPU.
    geometry: how a person's picture lies in the generator's frame, if it has to be resampled before scoring.
    failed: why there is no score.
    """

    system: str
    moment: Moment
    parameters: int = 0
    pictures: int = 0
    processor_minutes: float = 0.0
    minutes: float = 0.0
    milliseconds: float = 0.0
    geometry: str = ""
    scores: Mapping[str, Score] = field(default_factory=dict)
    failed: str = ""


def hold(contest: Contest, out: Path, *, show: bool = True) -> list[Entry]:
    """Train and score every system; write `leaderboard.json`, `leaderboard.md` and a picture sheet per moment to `out`.

    The same call resumes where a stopped or killed one was; results are written after every score.
    """
    console = Terminal(stderr=True, quiet=not show)
    people = out / "people" if contest.data is None else Path(contest.data)
    _refuse_unsuitable(contest, people)
    _meet_again(contest, out)
    if contest.data is None:
        if not people.exists():
            write_people(
                people, size=contest.size, num_train=contest.people, num_test=contest.test_people, progress=show
            )
        _refuse_other_people(contest, people)
    test = open_dataset(people, "test", Framing(contest.size, aspect=contest.size[1] / contest.size[0]))
    pairs = evenly(min(contest.pairs, len(test)), len(test))
    measures = _Measures(contest, test, pairs)
    baseline = measures.baseline()
    entries = [Entry(COPY, moment, scores=baseline) for moment in MOMENTS]
    for name, path in contest.made.items():
        console.say(f"{name}, scored as it is", style="bold")
        entry = measures.made_elsewhere(name, Path(path), out / name)
        entries += [replace(entry, moment=moment) for moment in MOMENTS]
    for moment in MOMENTS if contest.made else ():
        _write_results(out, contest, entries, moment, test, pairs)
    for number, (system, build) in enumerate(contest.systems.items(), start=1):
        console.say(f"{system}, {number} of {len(contest.systems)}", style="bold")
        for entry in _compete(system, build(), contest, out / system, people, measures, console, show):
            entries.append(entry)
            _write_results(out, contest, entries, entry.moment, test, pairs)
        if sum(entry.system == system for entry in entries) < len(MOMENTS):
            console.say("Stopped; the same command goes on from here.")
            break
    return entries


def _refuse_unsuitable(contest: Contest, people: Path) -> None:
    """BadInput for a system that cannot be trained or scored here, or a network that cannot be scored: now, and not
    after those before it were trained."""
    for name, build in contest.systems.items():
        recipe = contest_form(build(), contest, people)
        generator = recipe.build()
        _refuse_other_conditions(name, generator)
        for stage in recipe.stages:
            must_begin(stage, generator, recipe.accumulation)
    for name, path in contest.made.items():
        if Path(path).is_file():
            _refuse_other_conditions(name, load(path))


def _refuse_other_conditions(name: str, generator: Generator) -> None:
    """BadInput unless it generates people from joints of the leaderboard's skeleton."""
    if generator.condition is not Pose:
        raise BadInput(
            f"{name} generates from a {generator.condition.__name__}; the leaderboard is of people, from joints. Leave "
            f"it out."
        )
    if other := {generator.source_skeleton.name, generator.skeleton.name} - {OPENPOSE_18.name}:
        raise BadInput(
            f"{name} needs joints of {', '.join(sorted(other))}; those of the leaderboard are of {OPENPOSE_18.name}. "
            f"Leave it out."
        )


def _write_results(
    out: Path, contest: Contest, entries: Sequence[Entry], moment: Moment, test: PairDataset, pairs: Sequence[int]
) -> None:
    write_text(out / "leaderboard.json", json.dumps(_plain(contest, entries), indent=2) + "\n")
    write_text(out / "leaderboard.md", table(contest, entries))
    _write_sheet(out, contest, moment, test, pairs)


def contest_form(recipe: Recipe, contest: Contest, people: Path, steps: int | None = None) -> Recipe:
    """The recipe with the contest's batch, data and averaging, and constant learning rates. A system that learns from
    pairs with their true flow has pairs of its own instead of the contest's people: as rendered, like these, if no data
    are given.

    Stages before the last keep their share of the recipe's steps, relative to `steps` (None = those of the contest's
    pictures); the last is open-ended.
    """
    *first, last = (replace(stage, schedule="constant") for stage in recipe.stages)
    stages = [replace(s, steps=max(1, round(s.steps / recipe.steps * (steps or contest.steps)))) for s in first]
    return replace(
        recipe,
        stages=(*stages, replace(last, steps=NO_END)),
        data=_data_of(recipe, contest, people),
        batch_size=BATCH,
        ema=contest.average,
    )


def _data_of(recipe: Recipe, contest: Contest, people: Path) -> DataConfig | TruePairsConfig:
    """What a system trains on."""
    if isinstance(recipe.data, TruePairsConfig):
        return replace(recipe.data, photographs=False) if contest.data is None else recipe.data
    if not isinstance(recipe.data, DataConfig):
        raise BadInput(f"{recipe.name} does not train on pairs of people, so it cannot be compared here.")
    return DataConfig(root=str(people), skeleton=recipe.data.skeleton)


def _with_true_pairs(recipe: Recipe, contest: Contest, out: Path, show: bool) -> Recipe:
    """The recipe with its pairs of known flow rendered before the clock starts, if it learns from such: of a quarter as
    many people as the others learn from, whose truth takes about four times the space, or more if it says so."""
    if not isinstance(recipe.data, TruePairsConfig) or recipe.data.root is not None:
        return recipe
    size, count = recipe.model.framing.size, max(recipe.data.num_people, contest.people // 4)
    root = out / f"{TRUTH}-{size[0]}x{size[1]}-{count}-{recipe.data.seed}"
    if not root.exists():
        write_views(root, size=size, num_train=count, seed=recipe.data.seed, progress=show)
    return replace(recipe, data=replace(recipe.data, root=str(root), num_people=count))


def _compete(
    system: str,
    recipe: Recipe,
    contest: Contest,
    folder: Path,
    people: Path,
    measures: "_Measures",
    console: Terminal,
    show: bool,
) -> Iterator[Entry]:
    """The system's entries in the order in which it reaches the moments; fewer if the training is stopped."""
    known = {m: from_plain(Entry, object_in(f), str(f)) for m in MOMENTS if (f := folder / f"{m}.json").exists()}
    yield from known.values()
    if len(known) < len(MOMENTS):
        recipe = _with_true_pairs(recipe, contest, folder.parent, show)
    if len(recipe.stages) == 1:
        missing = [moment for moment in MOMENTS if moment not in known]
        yield from _run(
            system, contest_form(recipe, contest, people), contest, folder, missing, measures, console, show
        )
        return
    if "pictures" not in known:
        own = contest_form(recipe, contest, people)
        for entry in _run(system, own, contest, folder / "run-pictures", ["pictures"], measures, console, show):
            known["pictures"] = entry
            yield entry
    if "minutes" not in known and "pictures" in known:
        first = known["pictures"]
        spent = first.processor_minutes if contest.clock == "processor" else first.minutes
        steps = round(contest.minutes / spent * first.pictures / BATCH) if spent else contest.steps
        own = contest_form(recipe, contest, people, steps)
        yield from _run(system, own, contest, folder / "run-minutes", ["minutes"], measures, console, show)


def _run(
    system: str,
    recipe: Recipe,
    contest: Contest,
    folder: Path,
    missing: list[Moment],
    measures: "_Measures",
    console: Terminal,
    show: bool,
) -> Iterator[Entry]:
    """One run in `folder` and the entries of the moments that it reaches; they are stored with those of all runs."""
    place = folder if folder.name == system else folder.parent
    while missing:
        taken = RunFolder(folder).taken()
        step, spent = taken.step, _spent(taken, contest)
        reached = [m for m in missing if (step >= contest.steps if m == "pictures" else spent >= 60 * contest.minutes)]
        if not reached:
            left = contest.minutes - spent / 60 if "minutes" in missing else None
            try:
                outcome = train(
                    recipe,
                    folder,
                    progress=show,
                    until_step=contest.steps if "pictures" in missing else None,
                    max_minutes=left if contest.clock == "wall" else None,
                    max_processor_minutes=left if contest.clock == "processor" else None,
                )
            except TrainingStopped as error:
                for moment in missing:
                    yield _kept(place, Entry(system, moment, failed=str(error)))
                return
            if outcome.signal:
                stop = Terminated if outcome.signal == signal.SIGTERM else KeyboardInterrupt
                raise stop("stopped; the same command goes on from here.")
            stopped_early = outcome.step < contest.steps if "pictures" in missing else True
            now = Taken(outcome.step, outcome.seconds, outcome.processor_seconds)
            if stopped_early and ("minutes" not in missing or _spent(now, contest) < 60 * contest.minutes):
                return
            continue
        for moment in reached:
            missing.remove(moment)
            weights = place / f"{moment}.safetensors"
            shutil.copyfile(folder / "generator.safetensors", weights)
            console.say(f"{system}: {step * BATCH:,} pictures, {spent / 60:.1f} {contest.words}; scoring")
            try:
                generator = load(weights)
                scores = measures.scores(generator)
            except BadInput as error:  # it diverged, and no loss has shown it yet
                weights.unlink()  # its pictures are not shown either
                yield _kept(place, Entry(system, moment, failed=str(error)))
                continue
            yield _kept(
                place,
                Entry(
                    system,
                    moment,
                    parameters=sum(p.numel() for p in generator.parameters()),
                    pictures=step * BATCH,
                    processor_minutes=taken.processor_seconds / 60,
                    minutes=taken.seconds / 60,
                    scores=scores,
                    milliseconds=measures.milliseconds(generator),
                    geometry=brought_back(generator.framing, contest.size),
                ),
            )


def _spent(taken: Taken, contest: Contest) -> float:
    """Seconds of training on the contest's clock."""
    return taken.processor_seconds if contest.clock == "processor" else taken.seconds


@dataclass(frozen=True)
class _Measures:
    """Scores every generator on the same pairs of the same pictures."""

    contest: Contest
    test: PairDataset
    pairs: Sequence[int]

    def scores(self, generator: Generator) -> dict[str, Score]:
        device = _device()
        report = evaluate(
            OnWholePictures(generator.to(device)), self.contest.protocol, self.test, indices=self.pairs, device=device
        )
        return _summary(report)

    def made_elsewhere(self, name: str, path: Path, out: Path) -> Entry:
        """The entry of a network in a file, or of a folder with a picture for each of the pairs."""
        if path.suffix == ".safetensors":
            generator = load(path).to(_device())
            return Entry(
                name,
                "pictures",
                parameters=sum(p.numel() for p in generator.parameters()),
                milliseconds=self.milliseconds(generator),
                geometry=brought_back(generator.framing, self.contest.size),
                scores=self.scores(generator),
            )
        assert isinstance(self.test, FilePairs), "folders are of the pairs of a data set"
        rows = [self.test.rows[i] for i in self.pairs]
        names = {name for row in rows for name in (row.source_name, row.target_name)}
        folders = Folders(
            generated=path,
            targets=self.test.picture_path(rows[0].target_name).parent,
            poses={
                Path(name).stem: pose.resize(self.contest.size)
                for name in names
                if isinstance(pose := self.test.poses[name], Pose)
            },
            wanted=[(row.source_name, row.target_name) for row in rows],
            declared=Declared(person=self.contest.size, poses_fill_pictures=True),
        )
        rule = PROTOCOLS[self.contest.protocol]
        found = score_folder(folders, rule, out, workers=0, show=False)
        of_others = [p for p in found.problems if p.reason != "its pair is not in the list"]
        if of_others:  # a mean over fewer pairs would not be comparable
            return Entry(name, "pictures", failed="; ".join(in_words(of_others)[:2]))
        return Entry(name, "pictures", scores=_summary(found.report))

    def baseline(self) -> dict[str, Score]:
        return self.scores(CopySource(CopySourceConfig(Framing(self.contest.size))))

    def milliseconds(self, generator: Generator) -> float:
        """Time to generate one picture, the best of five; processor time unless a GPU computes."""
        clock = time.process_time if generator.device.type == "cpu" else time.perf_counter
        batch, best = Batch.stack([self.test[self.pairs[0]]]).to(generator.device), math.inf
        generate = OnWholePictures(generator)
        for _ in range(6):  # the first one warms up
            start = clock()
            generate(batch.source, batch.source_pose, batch.target_pose).cpu()  # waits for the device
            best = min(best, clock() - start)
        return 1000 * best


def _device() -> str:
    """Where networks are scored and timed."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def _summary(report: Report) -> dict[str, Score]:
    return {name: (s.value.mean, s.low, s.high) for name, s in report.summary.items()}


def table(contest: Contest, entries: Sequence[Entry]) -> str:
    """One Markdown table per moment."""
    protocol = PROTOCOLS[contest.protocol]
    parts = []
    for moment in MOMENTS:
        own = [e for e in entries if e.moment == moment]
        titles = [
            "system",
            "parameters",
            "pictures",
            "processor minutes",
            "minutes by the clock",
            "processor ms a picture" if _device() == "cpu" else "ms a picture",
            *map(titled, protocol.metrics),
        ]
        lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
        for entry in own:
            cells = [in_markdown(entry.system), *_cells(entry)]
            cells += [_score(metric, entry, own) for metric in protocol.metrics]
            lines.append(f"| {' | '.join(cells)} |")
        text = f"### {_heading(contest, moment)}\n\n" + "\n".join(lines) + "\n"
        if back := [f"{entry.system} ({entry.geometry})" for entry in own if entry.geometry]:
            text += (
                f"\nIn another geometry than the people's {contest.size[0]}x{contest.size[1]}, and scaled back to it "
                f"before scoring, which costs these a little: {', '.join(back)}.\n"
            )
        parts.append(text)
    return "\n".join(parts)


def brought_back(framing: Framing, size: tuple[int, int]) -> str:
    """How a frame represents a picture of this size, if not pixel for pixel; empty if it can be cut out exactly."""
    content = size_of(framing.content_box(size))
    how = "squashed" if framing.fit == "squash" else "scaled"
    return "" if content == size else f"{how} to {content[0]}x{content[1]}"


def _heading(contest: Contest, moment: Moment) -> str:
    if moment == "pictures":
        return f"After {contest.steps * BATCH:,} pictures"
    return f"After {contest.minutes:g} {contest.words}"


def _cells(entry: Entry) -> list[str]:
    if entry.failed:
        return [in_markdown(entry.failed), "", "", "", ""]
    if not entry.pictures:  # not trained here
        many = f"{entry.parameters:,}" if entry.parameters else ""
        return [many, "", "", "", f"{entry.milliseconds:.0f}" if entry.milliseconds else ""]
    shown = f"{entry.parameters:,}", f"{entry.pictures:,}", f"{entry.processor_minutes:.1f}", f"{entry.minutes:.1f}"
    return [*shown, f"{entry.milliseconds:.0f}"]


def _score(metric: str, entry: Entry, others: Sequence[Entry]) -> str:
    if metric not in entry.scores:
        return ""
    sign = 1 if METRICS[metric].higher_is_better else -1
    best = max(sign * other.scores[metric][0] for other in others if metric in other.scores)
    shown = written(metric, *entry.scores[metric])
    mean, space, interval = shown.partition(" ")
    return f"**{mean}**{space}{interval}" if sign * entry.scores[metric][0] == best else shown


def _write_sheet(out: Path, contest: Contest, moment: Moment, test: PairDataset, pairs: Sequence[int]) -> None:
    """One row per person; columns: source, target pose, truth, and each system that has reached this moment."""
    rows = [pairs[k * len(pairs) // SHEET_ROWS] for k in range(min(SHEET_ROWS, len(pairs)))]
    batch = Batch.stack([test[i] for i in rows])
    assert isinstance(batch.target_pose, Pose), "systems of people"
    columns = {"source": batch.source, "target pose": stick_picture(batch.target_pose), "truth": batch.target}
    files = {system: out / system / f"{moment}.safetensors" for system in contest.systems}
    files |= {name: Path(path) for name, path in contest.made.items() if Path(path).is_file()}
    for system, weights in files.items():
        if weights.exists():
            columns[system] = OnWholePictures(load(weights))(batch.source, batch.source_pose, batch.target_pose)
    sheet = picture_sheet(list(zip(*columns.values(), strict=True)), tuple(columns), scale=256 / contest.size[0])
    write_sheet(out / f"{moment}.png", sheet)


def _meet_again(contest: Contest, out: Path) -> None:
    """Refuse a folder that contains another contest, or files of another origin."""
    recipes = {name: build() for name, build in contest.systems.items()}
    values = to_plain({**vars(contest), "systems": {name: recipe.name for name, recipe in recipes.items()}})
    values |= {f"recipe of {name}": to_plain(recipe) for name, recipe in recipes.items()}
    values |= {f"files of {name}": digest(Path(path)) for name, path in contest.made.items()}
    if contest.data is not None:
        values["files of the data"] = digest(Path(contest.data))
    file = out / "contest.json"
    if not file.exists():
        out.mkdir(parents=True, exist_ok=True)
        if there := sorted(entry.name for entry in out.iterdir()):
            raise BadInput(
                f"{out} holds files ({', '.join(there[:3])}) but no contest.json, so it is no contest's folder; give a "
                f"new folder with --out."
            )
        write_text(file, json.dumps(values, indent=2) + "\n")
    elif (found := object_in(file)) != json.loads(json.dumps(values)):
        plain = json.loads(json.dumps(values))
        other = [key for key in {**found, **plain} if any(differences(found.get(key), plain.get(key)))]
        if not other:
            return
        raise BadInput(f"{out} holds a contest with another {', '.join(other)}; give a new folder with --out.")


def _refuse_other_people(contest: Contest, people: Path) -> None:
    """Require the people in the folder to be those that this contest would write; otherwise scores would silently be
    of others.
    """
    about = object_in(people / ABOUT)
    wanted = {
        "people": {"train": contest.people, "test": contest.test_people},
        "size": list(contest.size),
        "seed": 0,
        "form": "patn",
    }
    if other := [key for key, value in wanted.items() if about.get(key) != value]:
        raise BadInput(
            f"{people} does not hold the people of this contest (other: {', '.join(other)}). Move it away, and they "
            f"are written anew, or give a new folder with --out."
        )


def _plain(contest: Contest, entries: Sequence[Entry]) -> dict[str, Any]:
    machine = {"torch": str(torch.__version__), "threads": torch.get_num_threads(), "processor": platform.machine()}
    if torch.cuda.is_available():
        machine["device"] = torch.cuda.get_device_name()
    values = {**vars(contest), "systems": list(contest.systems)}
    return {"contest": to_plain(values), "machine": machine, "entries": to_plain(list(entries))}


def _kept(folder: Path, entry: Entry) -> Entry:
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / f"{entry.moment}.json", json.dumps(to_plain(entry)) + "\n")
    return entry
