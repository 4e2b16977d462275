"""Average precisions by pycocotools on random boxes: `python make_average_precision_golden.py` writes the JSON beside.

It needs pycocotools (measured with 2.0.11), which the project does not depend on.
"""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

PLACE = Path(__file__).with_name("average_precision_golden.json")
SIDE = 60


def random_case(seed: int) -> dict:
    """True boxes and detections near some of them, integers, with equal scores now and then."""
    rng = np.random.default_rng(seed)
    classes, images = int(rng.integers(1, 4)), []
    for _ in range(int(rng.integers(3, 12))):
        true, true_labels = random_boxes(rng, int(rng.integers(0, 4))), []
        found, scores, labels = random_boxes(rng, int(rng.integers(0, 5))), [], []
        scores += [int(rng.integers(0, 30)) / 40 for _ in found]
        labels += [int(rng.integers(0, classes)) for _ in found]
        for box in true:
            true_labels.append(int(rng.integers(0, classes)))
            for _ in range(int(rng.integers(0, 4))):  # none, or several of which one counts
                near = [max(0, value + int(rng.integers(-2, 3))) for value in box]
                if near[2] > near[0] and near[3] > near[1]:
                    found.append(near)
                    scores.append(int(rng.integers(10, 40)) / 40)
                    labels.append(true_labels[-1])
        images.append({"true": true, "true_labels": true_labels, "found": found, "scores": scores, "labels": labels})
    return {"classes": classes, "images": images}


def random_boxes(rng, count: int) -> list[list[int]]:
    corners = rng.integers(0, SIDE - 12, (count, 2))
    return np.concatenate([corners, corners + rng.integers(4, 13, (count, 2))], axis=1).tolist()


def by_pycocotools(case: dict, threshold: float, most: int) -> list[float]:
    """AP of each class; -1 for a class without a true box."""
    truth = COCO()
    annotations, results = [], []
    for number, image in enumerate(case["images"], 1):
        for (x, y, x_max, y_max), label in zip(image["true"], image["true_labels"], strict=True):
            box = [x, y, x_max - x, y_max - y]
            one = {"id": len(annotations) + 1, "image_id": number, "category_id": label + 1, "bbox": box}
            annotations.append(one | {"area": box[2] * box[3], "iscrowd": 0})
        for (x, y, x_max, y_max), label, score in zip(image["found"], image["labels"], image["scores"], strict=True):
            box = [x, y, x_max - x, y_max - y]
            results.append({"image_id": number, "category_id": label + 1, "bbox": box, "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        truth.dataset = {
            "info": {},
            "images": [{"id": number, "height": SIDE, "width": SIDE} for number in range(1, len(case["images"]) + 1)],
            "annotations": annotations,
            "categories": [{"id": label + 1, "name": str(label)} for label in range(case["classes"])],
        }
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.params.iouThrs = np.array([threshold])
        evaluation.params.maxDets = [most]
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][0, :, :, 0, 0]  # (recalls, classes)
    return [float(column.mean()) for column in precision.T]


def main() -> None:
    cases = []
    for seed in range(12):
        case = random_case(seed)
        threshold, most = (0.5, 100) if seed < 9 else (0.75, 3)
        cases.append(case | {"threshold": threshold, "most": most, "expected": by_pycocotools(case, threshold, most)})
    PLACE.write_text(json.dumps(cases, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
