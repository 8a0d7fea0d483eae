"""The files that come with the package."""

from pathlib import Path

SHIPPED = Path(__file__).parent.parent / "weights"
"""Their folder."""
MOVENET = "movenet-multipose-h.onnx", "movenet-thunder-h.onnx"
"""The two networks of the default pose estimator: of several people, and of one."""
SPINNING = False
"""Whether threads of theirs that wait for work keep their core busy: a look at a photo takes no longer without it, and
on a busy machine several times less."""
