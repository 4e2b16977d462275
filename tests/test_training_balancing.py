"""Balanced classes: the paper's own counts, and a set repeated."""

import numpy as np
import pytest

from lookinside.data import LabelledImages
from lookinside.errors import LookInsideError
from lookinside.training import balance, repeated_to_balance

ROTH = {"leg": 477, "pelvis": 104, "liver": 2684, "lung": 590, "neck": 443}


def test_the_papers_table_1():
    plan = balance(ROTH)
    assert {name: one.copies for name, one in plan.items()} == dict(zip(ROTH, (52, 212, 12, 44, 52), strict=True))
    assert {name: one.images for name, one in plan.items()} == dict(
        zip(ROTH, (24_804, 22_048, 32_208, 25_960, 23_036), strict=True)
    )
    assert sum(one.images for one in plan.values()) == 128_056
    assert [one.deformations for one in balance(ROTH, 1, 3).values()] == [13, 53, 3, 11, 13]
    assert balance(ROTH, 1, 3)["leg"].copies == 39


def test_a_set_is_repeated_in_turn():
    labels = np.array([0, 2, 2, 2, 2, 2, 0, 3])
    images = LabelledImages(
        images=np.arange(8, dtype=np.uint8).reshape(8, 1, 1, 1),
        labels=labels,
        class_names=("a", "none", "b", "c"),
        names=tuple("abcdefgh"),
    )
    even = repeated_to_balance(images)
    assert even.counts() == {"a": 5, "none": 0, "b": 5, "c": 5}
    assert "".join(even.names) == "agagabcdefhhhhh"
    assert even.images[:, 0, 0, 0].tolist() == [0, 6, 0, 6, 0, 1, 2, 3, 4, 5, 7, 7, 7, 7, 7]


@pytest.mark.parametrize(("counts", "said"), [({}, "no class"), ({"a": 0}, "a is 0"), ({"a": 2.0}, "a is 2.0")])
def test_refusals(counts, said):
    with pytest.raises(LookInsideError, match=said):
        balance(counts)
