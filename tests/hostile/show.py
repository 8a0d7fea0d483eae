"""One or several cases by hand, with what they print: python -m tests.hostile.show NUMBER [LAST]."""

import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.hostile.cases import ForkServer, faults, lay, listing, options_of
from tests.hostile.valid_files import write_valid_files


def show(first: int, last: int) -> None:
    """Prints every case in full if it is one, else those with faults, and a table of exit codes."""
    root = Path(tempfile.mkdtemp())
    valid = write_valid_files(root / "valid")
    server = ForkServer(valid)
    options = options_of(server, root)
    codes: Counter[int] = Counter()
    peak, wrong_ones = 0, 0
    for number in range(first, last + 1):
        place = root / str(number)
        case = lay(number, options, valid, place)
        before = listing(place)
        answer = server.run(case.arguments, place)
        wrong = faults(case, answer, before, place)
        codes[answer["code"]] += 1
        peak, wrong_ones = max(peak, answer["peak"]), wrong_ones + bool(wrong)
        if wrong or first == last:
            print(
                f"{case}\n    exit code {answer['code']}; {'; '.join(wrong) or 'no fault'}\n{answer['said'][-3000:]}\n"
            )
        shutil.rmtree(place)
    server.close()
    shutil.rmtree(root)
    print(f"{sum(codes.values())} cases, {wrong_ones} with faults; exit codes {dict(codes)}; peak {peak / 1e9:.2f} GB")


if __name__ == "__main__":
    show(int(sys.argv[1]), int(sys.argv[-1]))
