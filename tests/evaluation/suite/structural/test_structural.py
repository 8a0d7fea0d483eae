"""The structural part: what it says of three sets of pictures, however the pairs came in."""

import math

import pytest
import torch

from reposer.core import BadInput, Pose
from reposer.core.skeleton import COCO_17, OPENPOSE_18
from reposer.estimators import PoseEstimator
from reposer.evaluation import PairBatch
from reposer.evaluation.suite import SUITE
from reposer.evaluation.suite.structural.part import Structural

SIZE = (64, 48)


def people(count, seed=0, missing=0.1):
    random = torch.Generator().manual_seed(seed)
    xy = torch.rand(count, 18, 2, generator=random) * torch.tensor([48.0, 64.0])
    return Pose(xy, torch.rand(count, 18, generator=random) >= missing, SIZE)


class NumberReader(PoseEstimator):
    """Knows who is in a picture by the number that its first pixel holds."""

    name = "number-reader"
    licence = "none"
    skeleton = OPENPOSE_18
    description = "number-reader, no weights"

    def __init__(self, poses):
        self.poses, self.pictures = poses, 0

    def __call__(self, pictures):
        self.pictures += len(pictures)
        return self.poses[pictures[:, 0, 0, 0].long()]

    def person(self, pictures):
        return pictures[:, 0, 0, 1] / 255


def numbered(numbers, surely=255):
    pictures = torch.zeros(len(numbers), *SIZE, 3, dtype=torch.uint8)
    pictures[:, 0, 0, 0] = torch.tensor(numbers)
    pictures[:, 0, 0, 1] = surely
    return pictures


def pairs(generated, target, source, annotation):
    """Pairs by the numbers of the people in their pictures."""
    names = tuple(f"pair{t:02d}" for t in target)
    return PairBatch(
        names=names,
        source_names=names,
        target_names=names,
        identities=names,
        generated=numbered(generated),
        target=numbered(target),
        source=numbered(source),
        target_pose=annotation,
        source_pose=annotation,
    )


def numbers(part):
    """(metric, part of the body, pictures) -> what was found."""
    return {(f.metric, f.part, f.pictures): f for f in part.findings()}


ALL = people(30)
SOME = torch.arange(10)


def ten_pairs(rows=SOME):
    """Generated people 10-19 for targets 0-9 from sources 20-29; the annotation is a little off the estimator's."""
    rows = rows.tolist()
    off = Pose(ALL.xy[rows] + 1.0, ALL.visible[rows], SIZE)
    return pairs([10 + n for n in rows], rows, [20 + n for n in rows], off)


def test_a_generator_of_the_truth_scores_as_the_real_target_does():
    part = Structural(NumberReader(ALL))
    part.update(pairs([0, 1, 2], [0, 1, 2], [3, 4, 5], people(3, seed=9)))
    found = numbers(part)
    for (metric, joint, pictures), finding in found.items():
        if pictures == "generated" and "normalised" not in metric:
            real = found[metric, joint, "target"]
            assert finding.value == pytest.approx(real.value), (metric, joint)
            assert (finding.covered, finding.total) == (real.covered, 3)


def test_against_the_finder_itself_the_real_target_is_perfect_and_against_the_annotation_it_is_not():
    part = Structural(NumberReader(ALL))
    part.update(ten_pairs())
    found = numbers(part)
    assert found["pckh-patn-redetect", "", "target"].value == 1
    assert found["oks-redetect", "", "target"].value == pytest.approx(1)
    assert found["joint-error-redetect", "", "target"].value == 0
    assert found["joint-error-annotation", "", "target"].value == pytest.approx(math.sqrt(2))
    assert found["joint-error-annotation", "wrist", "target"].value == pytest.approx(math.sqrt(2))
    assert found["joint-error-redetect", "", "source"].value > 10
    assert found["joint-error-redetect", "", "source"].unit == "px"
    assert found["joint-error-redetect", "", "source"].higher_is_better is False


def test_the_normalised_score_is_that_of_the_pictures_by_that_of_the_real_target():
    part = Structural(NumberReader(ALL))
    part.update(ten_pairs())
    found = numbers(part)
    shares = {which: found["pckh-patn-annotation", "", which].value for which in ("generated", "target")}
    normalised = found["pckh-patn-annotation-normalised", "", "generated"]
    assert normalised.value == pytest.approx(shares["generated"] / shares["target"])
    assert ("pckh-patn-annotation-normalised", "", "target") not in found


def test_neither_batches_nor_order_play_a_part_and_a_stopped_run_goes_on():
    whole = Structural(NumberReader(ALL))
    whole.update(ten_pairs())
    parts = Structural(NumberReader(ALL))
    for rows in SOME.flip(0).split(3):
        parts.update(ten_pairs(rows))
    assert [repr(f) for f in parts.findings()] == [repr(f) for f in whole.findings()]
    stopped, resumed = Structural(NumberReader(ALL)), Structural(NumberReader(ALL))
    stopped.update(ten_pairs(SOME[:4]))
    resumed.load_state(stopped.state())
    resumed.update(ten_pairs(SOME[4:]))
    assert [repr(f) for f in resumed.findings()] == [repr(f) for f in whole.findings()]


def test_without_pairs_nothing_is_found_and_the_state_is_empty():
    part, other = Structural(NumberReader(ALL)), Structural(NumberReader(ALL))
    assert part.findings() == []
    other.load_state(part.state())
    assert other.findings() == []


def test_a_picture_of_several_pairs_is_looked_at_once():
    estimator = NumberReader(ALL)
    part = Structural(estimator)
    part.update(pairs([10, 11], [0, 1], [2, 2], people(2)))
    part.update(pairs([12, 13], [3, 2], [2, 10], people(2)))
    assert estimator.pictures == len({10, 11, 0, 1, 2, 12, 13, 3})


def test_the_detection_score_is_the_finders_mean_and_has_a_plain_interval():
    part = Structural(NumberReader(ALL))
    for number, surely in enumerate((255, 0, 255, 51)):
        batch = pairs([number], [number], [number], people(1))
        batch.generated[:, 0, 0, 1] = surely
        part.update(batch)
    score = numbers(part)["person-score", "", "generated"]
    assert score.value == pytest.approx(0.55) and score.covered == 4
    assert score.low < 0.55 < score.high
    assert numbers(part)["person-score", "", "target"].value == 1


def test_pairs_whose_target_shows_no_head_are_not_covered():
    headless = people(4, missing=0.0)
    headless.visible[0, [0, 1, 14, 15, 16]] = False
    part = Structural(NumberReader(ALL))
    part.update(pairs([0, 1, 2, 3], [4, 5, 6, 7], [8, 8, 8, 8], headless))
    found = numbers(part)["pckh-patn-annotation", "", "generated"]
    assert (found.covered, found.total) == (3, 4)
    assert found.low <= found.value <= found.high
    assert found.estimator == "number-reader, no weights"


def test_joints_of_coco_are_compared_by_name_and_the_neck_is_between_both_shoulders():
    class Coco(NumberReader):
        skeleton = COCO_17

    coco = Coco(ALL.convert(COCO_17))
    annotation = ALL[:5]
    part = Structural(coco)
    part.update(pairs([0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [5, 6, 7, 8, 9], annotation))
    found = numbers(part)
    assert found["oks-annotation", "", "generated"].value == pytest.approx(1)
    shoulders = [OPENPOSE_18.index("right_shoulder"), OPENPOSE_18.index("left_shoulder")]
    neck = annotation.visible[:, OPENPOSE_18.index("neck")]
    lost = neck & ~annotation.visible[:, shoulders].all(1)
    missed = found["joint-missed-annotation", "neck", "generated"].value
    assert missed == pytest.approx(lost.sum().item() / neck.sum().item())
    assert found["joint-missed-annotation", "knee", "generated"].value == 0


def test_it_is_opened_with_a_joint_finder_by_its_name(tmp_path):
    assert SUITE["structural"] is Structural
    with pytest.raises(BadInput, match="name one as 'joints'"):
        Structural.open({}, None, "cpu")
    with pytest.raises(BadInput, match=r"no pose estimator 'rtmpsoe'.*Did you mean rtmpose"):
        Structural.open({"joints": "rtmpsoe"}, None, "cpu")
    with pytest.raises(BadInput, match=r"rtmpose\.onnx"):
        Structural.open({"joints": "rtmpose"}, tmp_path, "cpu")
