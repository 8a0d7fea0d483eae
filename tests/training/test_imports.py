"""What the loop loads: it is handed its data, so it knows no data set."""

import subprocess
import sys

import pytest

LOADED = """
import gc, os, sys
gc.disable()
import reposer.training.loop
print(*(m for m in sys.modules if m.startswith("reposer.")), flush=True)
os._exit(0)
"""


@pytest.mark.slow
def test_the_loop_loads_no_data_set_and_no_renderer():
    answer = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    loaded = answer.stdout.split()
    assert "reposer.training.loop" in loaded
    floors = {name.split(".")[1] for name in loaded}
    assert floors == {"core", "nn", "losses", "training"}
    assert len(loaded) < 40
