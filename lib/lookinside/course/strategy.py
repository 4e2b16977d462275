"""`COURSE_STRATEGY`: training on several GPUs of one machine, by one setting for all chapters."""

from __future__ import annotations

import os
import re
from typing import Any

from lookinside.errors import LookInsideError

_SAID = "use mirrored (all GPUs), mirrored:2 (so many), or nothing (one device)"


def use_strategy() -> Any | None:
    """Make what `COURSE_STRATEGY` says the strategy of all that this process builds and trains from now on.

    `mirrored` shares every batch among all GPUs of the machine, `mirrored:2` among the first two. Where there is no
    GPU, `mirrored:2` splits the processor in two: slower than one, and good for trying. What is trained has the losses
    of one device, up to rounding, where the batch is a multiple of the devices and no dropout draws for each part of
    the batch. A run that was stopped may go on with another number of devices. Call it before anything is computed.

    Returns:
        The `tf.distribute.MirroredStrategy`, or None where the variable is not set.

    Raises:
        LookInsideError: for another value, more devices than there are, or a process in which TensorFlow is at work
            already.
    """
    value = os.environ.get("COURSE_STRATEGY", "").strip().lower()
    if not value:
        return None
    found = re.fullmatch(r"mirrored(?::([1-9][0-9]?))?", value)
    if not found:
        raise LookInsideError(f"COURSE_STRATEGY={value!r:.60} is no strategy: {_SAID}.")
    import tensorflow as tf

    count = int(found[1]) if found[1] else None
    current = tf.distribute.get_strategy()
    if isinstance(current, tf.distribute.MirroredStrategy):
        return current  # the cell was run again
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        devices = [f"GPU:{number}" for number in range(len(gpus))]
        if (count or 0) > len(devices):
            raise LookInsideError(f"COURSE_STRATEGY={value}: this machine has {len(devices)} GPUs.")
    elif count is None:
        raise LookInsideError(
            "COURSE_STRATEGY=mirrored needs a GPU, and there is none: mirrored:2 splits the processor."
        )
    else:
        devices = _split_processor(tf, count)
    strategy = tf.distribute.MirroredStrategy(devices[:count])
    tf.distribute.experimental_set_strategy(strategy)
    return strategy


def _split_processor(tf, count):
    processor = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * count)
    except RuntimeError:
        if len(tf.config.list_logical_devices("CPU")) < count:
            raise LookInsideError(
                "COURSE_STRATEGY comes too late: restart the kernel, and run the set-up first."
            ) from None
    return [f"CPU:{number}" for number in range(count)]
