"""RoIAlign by onnxruntime: a model of the one node, opset 16, "half_pixel", the mean over a cell's samples."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper


def roi_align_session(size, sampling=2, scale=1.0, threads=1):
    """A function of maps (N, C, H, W), boxes (R, 4) and their images (R,) to cells (R, C, rows, columns)."""
    options = {"output_height": size[0], "output_width": size[1], "sampling_ratio": sampling, "spatial_scale": scale}
    options |= {"mode": "avg", "coordinate_transformation_mode": "half_pixel"}
    node = helper.make_node("RoiAlign", ["maps", "boxes", "images"], ["cells"], **options)
    value = helper.make_tensor_value_info
    inputs = [value("maps", TensorProto.FLOAT, ["N", "C", "H", "W"]), value("boxes", TensorProto.FLOAT, ["R", 4])]
    inputs += [value("images", TensorProto.INT64, ["R"])]
    graph = helper.make_graph([node], "one", inputs, [value("cells", TensorProto.FLOAT, ["R", "C", *size])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    how = onnxruntime.SessionOptions()
    how.intra_op_num_threads = how.inter_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), how, providers=["CPUExecutionProvider"])
    return lambda maps, boxes, images: session.run(None, {"maps": maps, "boxes": boxes, "images": images})[0]


def roi_align(maps, boxes, size, sampling=2, scale=1.0):
    """Maps (N, H, W, C), boxes (N, R, 4): (N, R, rows, columns, C)."""
    count, regions = boxes.shape[:2]
    cells = roi_align_session(size, sampling, scale)(
        np.ascontiguousarray(np.moveaxis(np.asarray(maps, np.float32), -1, 1)),
        np.asarray(boxes, np.float32).reshape(-1, 4),
        np.repeat(np.arange(count), regions),
    )
    return np.moveaxis(cells, 1, -1).reshape(count, regions, *size, -1)
