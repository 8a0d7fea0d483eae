"""How much memory work takes, in a process of its own (Linux)."""

import subprocess
import sys
from pathlib import Path

import pytest

_MEASURED = """
def peak():
    return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
"""


def megabytes_of(imports: str, work: str) -> float:
    """What `work` needs at most beyond what the process has after `imports`, in megabytes."""
    if not Path("/proc/self/status").is_file():
        pytest.skip("only Linux says how much memory a process had at most")
    program = f"import gc; gc.disable()\n{imports}\ngc.freeze(); gc.enable()\n{_MEASURED}\nbefore = peak()\n{work}\n"
    program += "print('megabytes', peak() - before)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return float(done.stdout.split("megabytes")[-1])
