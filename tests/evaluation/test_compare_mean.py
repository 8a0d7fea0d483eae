import math
from dataclasses import replace

import pytest

from reposer.core.shown import one_line
from reposer.evaluation.compare import student_t
from reposer.evaluation.numbers import Line, SideBySide


@pytest.mark.parametrize("freedom", [1, 2, 9, 30, 31, 60, 1000])
def test_the_interval_of_a_mean_is_student_s(freedom):
    from scipy.stats import t  # it takes a second, which only the process of this test need wait

    assert math.isclose(student_t(freedom), t.ppf(0.975, freedom), abs_tol=0.0006)


def test_names_of_systems_are_no_commands_of_latex_and_no_cells_of_a_csv_file():
    table = SideBySide(
        ("50%_new & {best}", "a\\b"), {"": [Line("l1", ("0.1 [0.0, 0.2]", ""), frozenset({0}), ("yes",))]}
    )
    table = replace(table, notes=("ranked",))
    latex = table.latex()
    assert r"50\%\_new \& \{best\} & a\textbackslash{}b \\" in latex and r"\textbf{0.1 [0.0, 0.2]} & " in latex
    assert one_line(table.csv().splitlines()[1]) == ",l1,50%_new & {best},0.1,0.0,0.2,yes,yes"
