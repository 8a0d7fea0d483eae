"""Small pose files in the forms of other programs, of one standing person."""

import json

import numpy as np

from reposer.core.skeleton import COCO_17, OPENPOSE_18

SIZE = (100, 80)


def person(skeleton=OPENPOSE_18, shift=(0.0, 0.0), score=0.9):
    """(K, 3): joints apart from one another, inside a picture of `SIZE`."""
    k = np.arange(len(skeleton))
    xy = np.stack([20.0 + k, 30.0 + 3 * k], -1) + np.array(shift)
    return np.concatenate([xy, np.full((len(k), 1), score)], -1)


def numbers(rows):
    return [round(float(value), 4) for value in np.asarray(rows).ravel()]


def openpose(*people, canvas=None):
    """One picture of OpenPose's form. people: rows, or what stands in place of the numbers."""
    entries = [{"person_id": [-1], "pose_keypoints_2d": numbers(p) if isinstance(p, np.ndarray) else p} for p in people]
    content = {"version": 1.3, "people": entries}
    return content | ({"canvas_height": canvas[0], "canvas_width": canvas[1]} if canvas else {})


def alphapose(image, rows=None, **more):
    rows = person(COCO_17) if rows is None else rows
    return {"image_id": image, "category_id": 1, "keypoints": numbers(rows), "score": 2.9} | more


def mmpose(rows=None, **more):
    rows = person(COCO_17) if rows is None else rows
    return {
        "keypoints": [numbers(row[:2]) for row in rows],
        "keypoint_scores": numbers(rows[:, 2]),
        "bbox": [[1, 2, 3, 4]],
        "bbox_score": 0.9,
    } | more


def write(path, content):
    path.write_text(json.dumps(content))
    return path
