"""The part about faces beside a slow restatement, with a detector and an embedder whose answers are painted."""

import math

import pytest
import torch

from reposer.core import BadInput, Pose
from reposer.core.skeleton import OPENPOSE_18
from reposer.estimators import EMBEDDERS, FACE_DETECTORS, Embedder, Face, FaceDetector
from reposer.evaluation import PairBatch
from reposer.evaluation.suite import SUITE
from reposer.evaluation.suite.faces.part import Faces
from reposer.evaluation.suite.faces.places import face_crop
from reposer.metrics import METRICS

SIZE = (48, 36)
MARK = 255  # the red of a pixel in a face's middle; its green is the face's size in pixels
CENTRE, ELSEWHERE = (14, 16), (30, 40)
OFFSETS = torch.tensor([[-0.2, -0.1], [0.2, -0.1], [0.0, 0.1], [-0.1, 0.3], [0.1, 0.3]])


class PaintedFaces(FaceDetector):
    name, licence, description = "painted", "none", "painted faces"

    def __call__(self, pictures):
        return [[face_at(p, x, y) for y, x in (p[..., 0] == MARK).nonzero().tolist()] for p in pictures]


def face_at(picture, x, y):
    side, lean = picture[y, x, 1].item(), picture[y, x, 2].item() / 100
    box = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    return Face(box, torch.tensor([x + lean, y]) + side * OFFSETS, 0.9)


class PaintedIdentities(Embedder):
    """The pixel to the right of the face's middle."""

    name, licence, description, subject, threshold = ("painted-identity", "none", "painted identity", "face", 0.95)

    def __call__(self, pictures, faces=None):
        middles = [((f.box[0] + f.box[2]) / 2, (f.box[1] + f.box[3]) / 2) for f in faces]
        pixels = [p[round(y), round(x) + 1] for p, (x, y) in zip(pictures, middles, strict=True)]
        return torch.nn.functional.normalize(torch.stack(pixels).float() - 100, dim=1)


def a_picture(seed, who=None, at=CENTRE, side=10, lean=0):
    """Noise with the face of person `who`, a little different in each picture."""
    random = torch.Generator().manual_seed(seed)
    picture = torch.randint(0, 200, (*SIZE, 3), generator=random, dtype=torch.uint8)
    if who is not None:
        x, y = at
        picture[y, x] = torch.tensor([MARK, side, lean], dtype=torch.uint8)
        look = torch.randint(0, 220, (3,), generator=torch.Generator().manual_seed(500 + who))
        picture[y, x + 1] = (look + torch.randint(0, 30, (3,), generator=random)).to(torch.uint8)
    return picture


def a_pose(at=CENTRE):
    xy, visible = torch.zeros(18, 2), torch.zeros(18, dtype=torch.bool)
    if at is not None:
        for joint, (dx, dy) in {"nose": (0, 0), "right_eye": (-2, -2), "left_eye": (2, -2), "neck": (0, 6)}.items():
            k = OPENPOSE_18.index(joint)
            xy[k], visible[k] = torch.tensor([at[0] + dx, at[1] + dy]).float(), True
    return Pose(xy, visible, SIZE)


def people():
    """Pairs with every kind of hole: no face in one of the pictures, or one in the wrong place."""
    rows = []
    for n in range(14):
        who = n % 5
        row = {
            "name": f"pair{n:02}",
            "source_name": f"{who}_source{n}.jpg",
            "target_name": f"{who}_target{n % 10}.jpg",
            "variant": f"person{who}",
            "generated": a_picture(100 + n, who if n % 6 else (who + 1) % 5, side=9, lean=n),
            "target": a_picture(200 + n % 10, who),
            "source": a_picture(300 + n, who, side=12),
            "target_pose": a_pose(),
            "source_pose": a_pose(),
        }
        if n == 3:
            row["generated"] = a_picture(103)
        if n == 4:
            row["generated"] = a_picture(104, who, at=ELSEWHERE)
        if n == 5:
            row["source"], row["source_pose"] = a_picture(305, who, at=ELSEWHERE), a_pose(ELSEWHERE)
        if n == 6:
            row["source"] = a_picture(306)
        if n == 8:
            row["target_pose"] = a_pose(None)
        if n == 9:
            row["target"] = a_picture(209)
        rows.append(row)
    return rows


def batch_of(rows):
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    texts = {k: tuple(columns[f"{k[:-1]}"]) for k in ("names", "source_names", "target_names")}
    pictures = {k: torch.stack(columns[k]) for k in ("generated", "target", "source")}
    poses = {k: Pose.stack(columns[k]) for k in ("target_pose", "source_pose")}
    return PairBatch(**texts, **pictures, **poses, identities=tuple(columns["variant"]))


def part(metrics=("l1",)):
    return Faces(PaintedFaces(), PaintedIdentities(), [METRICS[name]() for name in metrics])


def scored(rows, batch=100, into=None):
    into = into or part()
    for start in range(0, len(rows), batch):
        into.update(batch_of(rows[start : start + batch]))
    return into


def values(part):
    return {(f.metric, f.pictures): f for f in part.findings()}


@pytest.fixture(scope="module")
def whole():
    return values(scored(people(), into=part(("ssim-gaussian1.5", "l1"))))


@pytest.fixture(scope="module")
def slow():
    """For each pair the faces that count, by eye."""
    embed, table = PaintedIdentities(), {}
    for row in people():

        def look(picture, at, row=row):
            x, y = at
            if picture[y, x, 0] != MARK:
                return None
            face = face_at(picture, x, y)
            return face, embed(picture[None], [face])[0].double()

        if row["name"] == "pair08":
            continue
        source_at = ELSEWHERE if row["name"] == "pair05" else CENTRE
        table[row["name"]] = {
            "row": row,
            "generated": look(row["generated"], CENTRE),
            "target": look(row["target"], CENTRE),
            "source": look(row["source"], CENTRE),
            "reference": look(row["source"], source_at),
        }
    return {name: looks for name, looks in table.items() if looks["target"] is not None}


def mean(numbers):
    numbers = list(numbers)
    return sum(numbers) / len(numbers)


def test_the_eligible_are_those_whose_target_has_a_face_where_its_head_is(whole, slow):
    assert len(slow) == 12 and set(slow) == {f"pair{n:02}" for n in range(14)} - {"pair08", "pair09"}
    assert whole["face-eligible", "target"].value == pytest.approx(12 / 14)
    assert whole["face-eligible-vs-source", "target"].value == pytest.approx(11 / 14)
    detection = whole["face-detection", "generated"]
    assert detection.value == pytest.approx(10 / 12) and (detection.covered, detection.total) == (12, 14)
    assert whole["face-detection", "source"].value == pytest.approx(10 / 12)


@pytest.mark.parametrize(
    ("against", "which"),
    [
        ("target", "generated"), ("target", "source"), ("source", "generated"), ("source", "target"),
    ],
)  # fmt: skip
def test_likeness_is_that_of_a_slow_loop(whole, slow, against, which):
    truth = {"target": "target", "source": "reference"}[against]
    rows = [looks for looks in slow.values() if looks[truth] is not None]
    both = [(looks[which][1], looks[truth][1]) for looks in rows if looks[which] is not None]
    cosines = [float(a @ b) for a, b in both]
    expected = {
        "face-cosine-detected": mean(cosines),
        "face-cosine-strict": sum(cosines) / len(rows),
        "face-verification": sum(c >= 0.95 for c in cosines) / len(rows),
        "face-distance": mean(float((a - b).norm()) for a, b in both),
    }
    for metric, value in expected.items():
        found = whole[f"{metric}-vs-{against}", which]
        assert found.value == pytest.approx(value), metric
        assert found.low <= found.value <= found.high and found.total == 14
        strict = metric in ("face-cosine-strict", "face-verification")
        assert found.covered == (len(rows) if strict else len(both))
    assert whole[f"face-distance-vs-{against}", which].higher_is_better is False


def test_no_picture_is_compared_with_itself(whole):
    assert ("face-cosine-strict-vs-target", "target") not in whole
    assert ("face-cosine-strict-vs-source", "source") not in whole


@pytest.mark.parametrize("which", ["generated", "source"])
def test_landmark_errors_are_in_distances_between_the_targets_eyes(whole, slow, which):
    errors = []
    for looks in slow.values():
        if looks[which] is not None:
            one, two = looks[which][0].landmarks, looks["target"][0].landmarks
            eyes = math.dist(two[0].tolist(), two[1].tolist())
            errors.append(mean(math.dist(a, b) for a, b in zip(one.tolist(), two.tolist(), strict=True)) / eyes)
    found = whole["face-landmark-error", which]
    assert found.value == pytest.approx(mean(errors), rel=1e-5) and found.covered == len(errors) == 10
    assert found.higher_is_better is False and found.estimator == "painted faces"


@pytest.mark.parametrize("which", ["generated", "source"])
@pytest.mark.parametrize("metric", ["ssim-gaussian1.5", "l1"])
def test_crops_are_cut_by_the_targets_face_whether_a_face_was_generated_or_not(whole, slow, which, metric):
    expected = []
    for looks in slow.values():
        box = looks["target"][0].box
        crops = [face_crop(looks["row"][k], box)[None] for k in (which, "target")]
        expected.append(METRICS[metric]().update(*crops).item())
    found = whole[f"face-{metric}", which]
    assert found.value == pytest.approx(mean(expected)) and found.covered == 12
    assert found.higher_is_better is (metric != "l1")


def test_rank_one_asks_for_the_identity_among_one_face_of_each(whole, slow):
    gallery = {}
    for looks in sorted(slow.values(), key=lambda looks: looks["row"]["target_name"]):
        gallery.setdefault(looks["row"]["variant"], looks)
    assert len(gallery) == 5
    shown = {looks["row"]["target_name"] for looks in gallery.values()}

    def right(looks, which):
        if looks[which] is None:
            return 0.0
        near = max(gallery, key=lambda who: float(looks[which][1] @ gallery[who]["target"][1]))
        return float(near == looks["row"]["variant"])

    generated = whole["face-rank1", "generated"]
    assert generated.value == pytest.approx(mean(right(looks, "generated") for looks in slow.values()))
    assert generated.covered == 12 and 0 < generated.value < 1
    others = [looks for looks in slow.values() if looks["row"]["target_name"] not in shown]
    real = whole["face-rank1", "target"]
    assert real.value == pytest.approx(mean(right(looks, "target") for looks in others))
    assert real.covered == len(others) > 0


def test_floor_and_ceiling_are_chance_and_two_real_pictures(whole, slow):
    faces = {looks["row"]["target_name"]: looks for looks in slow.values()}
    cosines = [
        float(a["target"][1] @ b["target"][1])
        for a in faces.values()
        for b in faces.values()
        if a["row"]["variant"] != b["row"]["variant"]
    ]
    assert len(faces) < len(slow), "a target of two pairs counts once"
    floor, ceiling = (whole[f"face-cosine-{end}", "target"].value for end in ("floor", "ceiling"))
    assert floor == pytest.approx(mean(cosines))
    assert ceiling == whole["face-cosine-strict-vs-source", "target"].value > floor
    verified = whole["face-verification-floor", "target"].value
    assert verified == pytest.approx(mean(c >= 0.95 for c in cosines))
    for against in ("target", "source"):
        kept = whole[f"face-cosine-preservation-vs-{against}", "generated"]
        score = whole[f"face-cosine-strict-vs-{against}", "generated"].value
        assert kept.value == pytest.approx((score - floor) / (ceiling - floor)) and math.isnan(kept.low)


def test_whoever_generates_the_truth_preserves_everything_and_whoever_generates_no_face_nothing():
    rows = [row for row in people() if row["name"] not in ("pair05", "pair06")]
    truth = values(scored([row | {"generated": row["target"]} for row in rows]))
    assert truth["face-detection", "generated"].value == 1
    assert truth["face-verification-vs-target", "generated"].value == 1
    assert truth["face-landmark-error", "generated"].value == truth["face-l1", "generated"].value == 0
    assert truth["face-cosine-preservation-vs-source", "generated"].value == pytest.approx(1)
    nobody = values(scored([row | {"generated": a_picture(7)} for row in rows]))
    assert nobody["face-detection", "generated"].value == 0
    assert nobody["face-cosine-strict-vs-target", "generated"].value == 0
    assert nobody["face-verification-vs-target", "generated"].value == 0
    assert ("face-cosine-detected-vs-target", "generated") not in nobody, "no mean of nothing"
    assert ("face-landmark-error", "generated") not in nobody


def test_neither_order_nor_batches_play_a_part():
    rows = people()
    expected = [repr(f) for f in scored(rows).findings()]
    for batch, order in ((1, rows[::-1]), (5, rows[7:] + rows[:7])):
        assert [repr(f) for f in scored(order, batch).findings()] == expected


def test_a_run_that_goes_on_later_ends_the_same():
    rows = people()
    state = {key: tensor.clone() for key, tensor in scored(rows[:8]).state().items()}
    later = part()
    later.load_state(state)
    expected = [repr(f) for f in scored(rows).findings()]
    assert [repr(f) for f in scored(rows[8:], into=later).findings()] == expected
    empty = part()
    empty.load_state(part().state())
    assert empty.findings() == []


def test_without_any_face_only_that_is_said():
    found = scored([row | {"target": a_picture(1)} for row in people()]).findings()
    assert [(f.metric, f.value, f.covered, f.total) for f in found] == [("face-eligible", 0.0, 14, 14)]


@pytest.fixture
def painted(monkeypatch):
    monkeypatch.setitem(FACE_DETECTORS._entries, "painted", lambda weights: PaintedFaces())
    monkeypatch.setitem(EMBEDDERS._entries, "painted", lambda weights: PaintedIdentities())


def test_without_its_network_the_number_of_a_crop_is_absent_and_the_others_are_not(painted, tmp_path):
    names = {"faces": "painted", "face-embedder": "painted"}
    opened = SUITE["faces"].open(names, tmp_path, "cpu")
    found = values(scored(people()[:2], into=opened))
    assert ("face-ssim-gaussian1.5", "generated") in found and ("face-l1", "source") in found
    assert not any("lpips" in metric for metric, _ in found)


def test_it_needs_a_finder_and_an_embedder_of_faces(painted, monkeypatch):
    with pytest.raises(BadInput, match=r"one as 'faces': .*opencv-yunet"):
        SUITE["faces"].open({"face-embedder": "painted"}, None, "cpu")
    with pytest.raises(BadInput, match=r"one as 'face-embedder': .*opencv-sface"):
        SUITE["faces"].open({"faces": "painted"}, None, "cpu")
    monkeypatch.setattr(PaintedIdentities, "subject", "person")
    with pytest.raises(BadInput, match="embeds a person, not a face"):
        SUITE["faces"].open({"faces": "painted", "face-embedder": "painted"}, None, "cpu")
