"""`reposer demo`: the shipped weights put a held-out person into six poses."""

import time
from collections.abc import Sequence
from pathlib import Path

from reposer.core.outputs import check_output_file
from reposer.core.terminal import Terminal

from .option_values import within
from .options import called

LAST_PERSON = 49_999


def run(arguments: Sequence[str]) -> int:
    return called(demo, arguments, "demo", __doc__)


def demo(*, model: str = "trueflow", out: Path = Path("reposer-demo"), person: int = 7) -> int:
    """Write one picture sheet: source, target pose, result, truth, flow and occlusion, one row per pose.

    Args:
        model: a shipped model's name, a `.safetensors`, a run's folder, or hf://OWNER/NAME.
        out: folder of the sheet.
        person: number of the person in the test split (0 to 49,999).
    """
    within("--person", person, 0, LAST_PERSON)
    path = out / "demo.png"
    check_output_file(path)

    from reposer.evaluation import PROTOCOLS, evaluate, side_by_side
    from reposer.evaluation.sheets import pair_sheet, write_sheet
    from reposer.generators import load
    from reposer.generators.copy_source import CopySource, CopySourceConfig

    from .demo_pairs import DemoPairs

    console = Terminal()
    started = time.monotonic()
    generator = load(model)
    framing = generator.framing
    pairs = DemoPairs(framing, person, generator.skeleton)
    loaded = time.monotonic()
    sheet = pair_sheet(generator, [pairs[i] for i in range(len(pairs))])
    generated = time.monotonic()
    protocol = PROTOCOLS["reposer-v1-reconstruction"]
    copy = CopySource(CopySourceConfig(framing))
    reports = {
        "copy-the-source": evaluate(copy.generate, protocol, pairs),
        model: evaluate(generator.generate, protocol, pairs),
    }
    write_sheet(path, sheet)
    console.say(f"The picture sheet: {path}")
    console.say(
        f"Model and person ready in {loaded - started:.1f} s; {len(pairs)} pictures of "
        f"{framing.size[0]}x{framing.size[1]} generated in {generated - loaded:.2f} s, the sheet included."
    )
    console.say("How good it is, beside copying the source (a synthetic person of the test split, never seen):")
    found = side_by_side(reports)
    console.print_columns(found.names, found.to_table)
    return 0
