"""Pose files laid out as the programs in question write them, of people whose joints are known."""

import numpy as np

from reposer.core.skeleton import (
    BLAZEPOSE_33,
    COCO_17,
    COCO_FEET_6,
    FACE_68,
    FACE_70,
    H36M_17,
    HALPE_136,
    LEFT_HAND_21,
    OPENPOSE_18,
    OPENPOSE_25,
)

SIZE = (480, 640)


def rows(skeleton, seed=0, *, missing=(), doubtful=()):
    """(K, 3): x, y, score. missing: indices of joints at 0, 0, 0; doubtful: of those with a low score."""
    stream = np.random.default_rng(seed)
    places = stream.uniform((50, 40, 0.5), (600, 440, 1), (len(skeleton), 3)).round(3)
    places[list(doubtful), 2] = 0.12
    places[list(missing)] = 0
    return places


def flat(places):
    return [float(v) for v in places.ravel()]


def openpose(skeleton=OPENPOSE_25):
    """OpenPose --face --hand: two people, the second without a right hand."""

    def person(seed):
        hand = flat(rows(LEFT_HAND_21, seed + 2)) if seed == 0 else [0.0] * 63
        return {
            "person_id": [-1],
            "pose_keypoints_2d": flat(rows(skeleton, seed, missing=(4, 10))),
            "face_keypoints_2d": flat(rows(FACE_70, seed + 1)),
            "hand_left_keypoints_2d": flat(rows(LEFT_HAND_21, seed + 3)),
            "hand_right_keypoints_2d": hand,
            "pose_keypoints_3d": [],
            "face_keypoints_3d": [],
            "hand_left_keypoints_3d": [],
            "hand_right_keypoints_3d": [],
        }

    return {"version": 1.3, "people": [person(0), person(10)]}


def editor():
    """An editor of ControlNet: a canvas, a body of 18 joints, and no face or hands."""
    none = {"face_keypoints_2d": None, "hand_left_keypoints_2d": None, "hand_right_keypoints_2d": None}
    person = {"pose_keypoints_2d": flat(rows(OPENPOSE_18, 1, missing=(16,)))} | none
    return {"people": [person], "canvas_height": SIZE[0], "canvas_width": SIZE[1]}


def normalised():
    """DWPose in ComfyUI: a list with one entry per frame, from 0 to 1."""
    frames = []
    for t in range(3):
        places = rows(OPENPOSE_18, t, missing=(17,))
        places[:, :2] = (places[:, :2] / [SIZE[1], SIZE[0]]).round(6)
        person = {"pose_keypoints_2d": flat(places), "face_keypoints_2d": []}
        frames.append({"people": [person], "canvas_height": SIZE[0], "canvas_width": SIZE[1]})
    return frames


def alphapose(skeleton=HALPE_136):
    return [
        {
            "image_id": f"{t}.jpg",
            "category_id": 1,
            "keypoints": flat(rows(skeleton, 2 * t + n, doubtful=(3,))),
            "score": 2.91 + n,
            "box": [10.5, 20.25, 100.0, 200.0],
            "idx": [n + 1.0],
        }
        for t in range(2)
        for n in range(2)
    ]


def coco_results():
    return [
        {"image_id": 0, "category_id": 1, "keypoints": flat(rows(COCO_17, 5, doubtful=(0, 4))), "score": 0.87},
        {"image_id": 1, "category_id": 1, "keypoints": flat(rows(COCO_17, 6)), "score": 0.5},
    ]


def whole_body_results():
    return [
        entry
        | {
            "foot_kpts": flat(rows(COCO_FEET_6, 7)),
            "face_kpts": flat(rows(FACE_68, 8, doubtful=(1,))),
            "lefthand_kpts": flat(rows(LEFT_HAND_21, 9)),
            "righthand_kpts": [0.0] * 63,
        }
        for entry in coco_results()
    ]


def coco_annotations():
    places = rows(COCO_17, 11, missing=(0, 1)).round()
    places[2:, 2] = [1, *[2] * 14]
    image = {"license": 1, "file_name": "000000397133.jpg", "height": SIZE[0], "width": SIZE[1], "id": 397133}
    person = {
        "segmentation": [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]],
        "num_keypoints": 15,
        "area": 17376.91885,
        "iscrowd": 0,
        "keypoints": flat(places),
        "image_id": 397133,
        "bbox": [388.66, 69.92, 109.41, 277.62],
        "category_id": 1,
        "id": 200887,
    }
    category = {"supercategory": "person", "id": 1, "name": "person", "keypoints": list(COCO_17.joints), "skeleton": []}
    return {"info": {"year": 2017}, "images": [image], "annotations": [person], "categories": [category]}


def whole_body_annotations():
    content = coco_annotations()
    content["annotations"][0] |= {
        "foot_kpts": flat(rows(COCO_FEET_6, 7)),
        "face_kpts": flat(rows(FACE_68, 8)),
        "lefthand_kpts": flat(rows(LEFT_HAND_21, 9)),
        "righthand_kpts": flat(rows(LEFT_HAND_21, 10)),
        "face_valid": True,
    }
    return content


def mmpose_clip(count=133):
    names = {str(k): name for k, name in enumerate(COCO_17.joints)}
    places = np.random.default_rng(4).uniform(50, 400, (2, count, 3))
    return {
        "meta_info": {"dataset_name": "coco_wholebody", "keypoint_id2name": names},
        "instance_info": [
            {
                "frame_id": t + 1,
                "instances": [
                    {
                        "keypoints": places[t, :, :2].tolist(),
                        "keypoint_scores": (places[t, :, 2] / 400).tolist(),
                        "bbox": [[1.5, 2.5, 300.25, 400.125]],
                        "bbox_score": 0.93,
                    }
                ],
            }
            for t in range(2)
        ],
    }


def mmpose_photo():
    return mmpose_clip(17)["instance_info"][0]["instances"]


def mediapipe():
    """PoseLandmarker's result for a picture, as its JavaScript gives it."""
    stream = np.random.default_rng(3)
    places = stream.uniform(-0.1, 1.1, (len(BLAZEPOSE_33), 4)).round(6)
    keys = ("x", "y", "z", "visibility")
    landmarks = [dict(zip(keys, map(float, place.clip(-0.2, 1)), strict=True)) for place in places]
    return {"landmarks": [landmarks], "worldLandmarks": [landmarks]}


def tensorflow():
    """MoveNet of TensorFlow.js: pixels, and joints with their names."""
    points = [
        {"x": x, "y": y, "score": score, "name": name}
        for name, (x, y, score) in zip(COCO_17.joints, rows(COCO_17, 12).tolist(), strict=True)
    ]
    return [{"keypoints": points, "score": 0.8, "id": 1}]


def lifters():
    """(people, frames, 17, 2), the "reconstruction" of an .npz."""
    return rows(H36M_17, 13)[None, None, :, :2].repeat(2, 1) + np.arange(2)[None, :, None, None]


PATN = (
    "name:keypoints_y:keypoints_x\n"
    f"a_1.jpg: {[10 + 2 * k for k in range(17)] + [-1]}: {[60 + k for k in range(17)] + [-1]}\n"
    f"a_2.jpg: {[11 + 2 * k for k in range(18)]}: {[61 + k for k in range(18)]}\n"
)

JSON_FILES = {
    "openpose25": openpose,
    "openpose18": lambda: openpose(OPENPOSE_18),
    "alphapose": alphapose,
    "coco": coco_results,
    "coco-wholebody": whole_body_results,
    "coco-annotations": coco_annotations,
    "coco-annotations of whole bodies": whole_body_annotations,
    "mmpose": mmpose_clip,
    "mmpose of a photo": mmpose_photo,
    "blazepose": mediapipe,
}
"""By the form, and what tells files of one form apart."""
