"""`reposer export MODEL --format onnx --out FILE`: a network as a file that runs without torch."""

from collections.abc import Sequence
from pathlib import Path

from tyro.conf import Positional

from reposer.core.choices import ExportForm, StoredAs
from reposer.core.outputs import check_output_file
from reposer.core.terminal import Terminal

from .options import called

ENDINGS: dict[ExportForm, str] = {"onnx": ".onnx", "pt2": ".pt2", "openvino": ".xml"}


def run(arguments: Sequence[str]) -> int:
    return called(export, arguments, "export", __doc__)


def export(model: Positional[str], *, format: ExportForm = "onnx", precision: StoredAs = "fp32", out: Path) -> int:
    """The file takes any number of pictures at once, of the network's own size, with the joints of both poses. It says
    itself what it needs: sizes, framing, joints, licence. It is run before it gets its name, beside the network in
    torch; if their pictures differ by more than 1e-4 (fp16: 2e-2, bf16: 2e-1; of values from -1 to 1), there is no
    file, or the older one of that name stays.

    Args:
        model: a shipped model's name or a `.safetensors`.
        format: onnx = for onnxruntime and many others; pt2 = torch.export, read by torch alone without this package;
            openvino = an .xml, and a .bin beside it.
        precision: of the stored weights; fp16 and bf16 halve the file. It is computed in fp32 in each case.
        out: the file to write: .onnx, .pt2 or .xml.
    """
    check_output_file(out, endings=(ENDINGS[format],), inputs=(model,))
    if format == "openvino":
        check_output_file(out.with_suffix(".bin"), inputs=(model,), option="the weights beside --out,")

    from reposer.engines.about import header_of
    from reposer.engines.export import BOUNDS, export_generator
    from reposer.generators import load

    console = Terminal(stderr=True)
    generator = load(model)
    console.say("Recording the network and checking it: this takes a minute or two for a full-size one.")
    made = export_generator(generator, out, format, precision=precision, about=header_of(model))
    console.say(
        f"{out}: {made.bytes / 1e6:.1f} MB. Its pictures differ from the network's by at most {made.difference:.1e} "
        f"({BOUNDS[precision]:g} is allowed), {made.mean:.1e} in the mean, of values from -1 to 1."
    )
    return 0
