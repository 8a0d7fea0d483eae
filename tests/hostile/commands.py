"""Valid commands over the files of `valid_files.py`, and what of them may be changed."""

from dataclasses import dataclass

TINY_TRAINING = (
    *("--model.framing.size", "64", "32", "--model.width", "4", "--model.flow-width", "3"),
    *("--model.attention-hidden", "4", "--stages.0.steps", "1", "--stages.1.steps", "1"),
    *("--batch-size", "2", "--threads", "1", "--stages.1.objective.discriminator-width", "4"),
)


@dataclass(frozen=True)
class Command:
    """A command line that succeeds (`expected`), and its inputs, which a case changes one or a few of.

    inputs: files and folders that it reads; of a folder every file may be changed.
    outputs: what it writes.
    words: how many first words name the command, before its own arguments.
    """

    arguments: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...] = ()
    expected: int = 0
    words: int = 1


TRANSFER = ("--source-pose", "photo.json", "--pose", "wanted.json", "--model", "people.safetensors")
SCORE = ("--targets", "people/test", "--workers", "0", "--out", "out")
LISTS = ("--annotations", "people/fasion-resize-annotation-test.csv")

COMMANDS = {
    "transfer": Command(
        ("transfer", "photo.png", *TRANSFER, "--out", "out.png", "--explain"),
        ("photo.png", "photo.json", "wanted.json", "people.safetensors"),
        ("out.png", "out-explained.png"),
    ),
    "transfer, JPEG and OpenPose": Command(
        (
            *("transfer", "photo.jpg", "--source-pose", "openpose.json", "--pose", "openpose.json"),
            *("--model", "people.safetensors", "--out", "out.jpg"),
        ),
        ("photo.jpg", "openpose.json", "people.safetensors"),
        ("out.jpg",),
    ),
    "transfer, WebP": Command(
        ("transfer", "photo.webp", *TRANSFER, "--out", "out.png"),
        ("photo.webp", "photo.json", "wanted.json", "people.safetensors"),
        ("out.png",),
    ),
    "transfer from photo to photo": Command(
        (
            *("transfer", "somebody.png", "--pose", "album/anna_1.png", "--person", "largest", "--pose-person", "left"),
            *("--model", "people.safetensors", "--out", "out.png"),
        ),
        ("somebody.png", "album", "people.safetensors"),
        ("out.png",),
    ),
    "a photo's pose": Command(
        ("pose", "extract", "somebody.png", "--person", "1", "--out", "out.json"),
        ("somebody.png",),
        ("out.json", "out-skeleton.png"),
        words=2,
    ),
    "a clip's poses": Command(
        ("pose", "extract", "still.mp4", "--person", "88,128", "--out", "out.json"),
        ("still.mp4",),
        ("out.json",),
        words=2,
    ),
    "a folder's poses": Command(
        ("pose", "extract", "album", "--size", "64", "44", "--out", "out"), ("album",), ("out",), words=2
    ),
    "batch": Command(
        ("batch", "jobs.csv", "--model", "people.safetensors", "--workers", "0", "--out", "out"),
        ("jobs.csv", "somebody.png", "album", "wanted.json", "people.safetensors"),
        ("out",),
    ),
    "animate": Command(
        (
            *("animate", "photo.png", "--source-pose", "photo.json", "--driving", "driving.mp4"),
            *("--track", "track.json", "--model", "people.safetensors", "--out", "out.mp4"),
        ),
        ("photo.png", "photo.json", "driving.mp4", "track.json", "people.safetensors"),
        ("out.mp4",),
    ),
    "animate by a track": Command(
        (
            *("animate", "photo.png", "--source-pose", "photo.json", "--driving", "track.json"),
            *("--model", "moving.safetensors", "--out", "out.mp4"),
        ),
        ("photo.png", "photo.json", "track.json", "moving.safetensors"),
        ("out.mp4",),
    ),
    "convert poses": Command(
        ("pose", "convert", "openpose.json", "out.json", "--format", "coco-wholebody"),
        ("openpose.json",),
        ("out.json",),
        words=2,
    ),
    "convert a picture of a skeleton": Command(
        ("pose", "convert", "skeleton.png", "out.csv"), ("skeleton.png",), ("out.csv",), words=2
    ),
    "convert arrays": Command(
        ("pose", "convert", "lifted.npz", "out.png", "--size", "97", "70", "--frame", "0"),
        ("lifted.npz",),
        ("out.png",),
        words=2,
    ),
    "show poses": Command(
        ("pose", "show", "openpose.json", "--photo", "photo.png", "--out", "out.png"),
        ("openpose.json", "photo.png"),
        ("out.png",),
        words=2,
    ),
    "list poses": Command(("pose", "list", "--sheet", "out.png"), (), ("out.png",), words=2),
    "views": Command(
        (*("views", "photo.png", "--model", "views.safetensors", "--out", "out.mp4"), *("--steps", "2")),
        ("photo.png", "views.safetensors"),
        ("out.mp4",),
    ),
    "export what has a memory": Command(
        ("export", "moving.safetensors", "--out", "out.onnx"), ("moving.safetensors",), expected=2
    ),
    "check lists": Command(("data", "check", "people"), ("people",), words=2),
    "check fashion": Command(("data", "check", "fashion"), ("fashion",), words=2),
    "check shards": Command(("data", "check", "shards"), ("shards",), words=2),
    "check views": Command(("data", "check", "cars"), ("cars",), words=2),
    "check clips": Command(("data", "check", "clips"), ("clips",), words=2),
    "evaluate": Command(
        (
            *("evaluate", "people.safetensors", "--data", "people", "--out", "out"),
            *("--protocol", "reposer-v1-reconstruction", "--device", "cpu"),
        ),
        ("people.safetensors", "people"),
        ("out",),
    ),
    "evaluate from shards": Command(
        (
            *("evaluate", "people.safetensors", "--data", "shards", "--out", "out"),
            *("--protocol", "reposer-v1-reconstruction", "--device", "cpu"),
        ),
        ("people.safetensors", "shards"),
        ("out",),
    ),
    "evaluate clips": Command(
        (
            *("evaluate", "moving.safetensors", "--data", "clips", "--split", "all", "--out", "out"),
            *("--without-networks", "--device", "cpu"),
        ),
        ("moving.safetensors", "clips"),
        ("out",),
    ),
    "evaluate views": Command(
        (*("evaluate", "views.safetensors", "--data", "cars", "--out", "out"), *("--pairs", "4", "--device", "cpu")),
        ("views.safetensors", "cars"),
        ("out",),
    ),
    "score": Command(
        ("score", "generated", *SCORE, *LISTS, "--protocol", "reposer-v1-reconstruction"),
        ("generated", "people"),
        ("out",),
    ),
    "compare": Command(("compare", "report/report.json", "other/report.json"), ("report", "other")),
    "results of a study": Command(
        ("study", "results", "study.db", "--json", "out.json"), ("study.db",), ("out.json",), words=2
    ),
    "study on a port that cannot be": Command(
        (
            *("study", "real-or-generated", "--real", "people/test", "--generated", "ours=people/test"),
            *("--out", "out.db", "--port", "70000", "--trials", "2", "--practice", "0", "--checks", "0"),
        ),
        ("people",),
        expected=2,
        words=2,
    ),
    "page on a port that cannot be": Command(
        ("web", "--models", "people.safetensors", "--port", "70000", "--no-browser"),
        ("people.safetensors",),
        expected=2,
    ),
    "compare for a page": Command(
        ("compare", "report/report.json", "other/report.json", "--names", "a", "b", "--format", "latex"),
        ("report", "other"),
    ),
    "import": Command(
        ("import-weights", "gfla", "people.pth", "--recipe", "gfla-fashion-2020", "--out", "out.safetensors"),
        ("people.pth",),
        expected=2,
    ),
    "card": Command(
        ("data", "card", "--people", "2", "--size", "32", "22", "--workers", "1", "--chart", "out.png"),
        (),
        ("out.png",),
        words=2,
    ),
    "synthesize objects": Command(
        (*("data", "synthesize-objects", "out", "--test-objects", "1", "--split", "test"), *("--size", "16", "16")),
        (),
        ("out",),
        words=2,
    ),
    "a leaderboard of nobody": Command(
        ("leaderboard", "--out", "out", "--systems", "nobody", "--people", "2"), (), expected=2
    ),
    "demo": Command(("demo", "--model", "people.safetensors", "--out", "out"), ("people.safetensors",), ("out",)),
    "train": Command(
        ("train", "gfla-mini", "--data", "people", "--out", "out", *TINY_TRAINING), ("people",), ("out",), words=2
    ),
    "go on training": Command(
        ("train", "gfla-mini", "--data", "people", "--out", "run", *TINY_TRAINING), ("people", "run"), ("run",), words=2
    ),
    "train by a receipt": Command(
        ("train", "--from", "receipt.json", "--data", "people", "--out", "run"),
        ("receipt.json", "people", "run"),
        ("run",),
    ),
    "try a run out": Command(
        ("train", "gfla-mini", "--data", "people", "--out", "out", *TINY_TRAINING, "--dry-run"), ("people",), words=2
    ),
    "estimate scores": Command(
        ("estimate", "score", "generated", *SCORE, *LISTS, "--without-networks", "--max-memory", "1G"),
        ("generated", "people"),
    ),
    "estimate a transfer": Command(
        ("estimate", "transfer", "photo.png", *TRANSFER, "--out", "out.png"),
        ("photo.png", "photo.json", "wanted.json", "people.safetensors"),
    ),
    "runs": Command(("runs", "run", "--json"), ("run",)),
    "synthesize": Command(
        (
            *("data", "synthesize", "out", "--people", "1", "--test-people", "1", "--views", "2"),
            *("--size", "32", "22", "--workers", "1"),
        ),
        (),
        ("out",),
        words=2,
    ),
}
