"""`remember`: one call for one set of arguments, however it is spelled."""

import numpy as np
import pytest

from lookinside.course import remember
from lookinside.errors import LookInsideError


def counted():
    calls = []

    @remember
    def train(network, seed, *more, change=None, **options):
        """Train a network."""
        calls.append((network, seed, change))
        return object()

    return train, calls


def test_one_call_however_it_is_spelled():
    train, calls = counted()
    first = train("LeNet", 0)
    for same in (
        train("LeNet", seed=0),
        train(seed=0, network="LeNet"),
        train("LeNet", 0, change=None),
        train(network="LeNet", change=None, seed=0),
    ):
        assert same is first
    assert calls == [("LeNet", 0, None)]
    assert train("LeNet", 0, a=1, b=2) is train("LeNet", 0, b=2, a=1)
    assert (train.__name__, train.__doc__) == ("train", "Train a network.")


def test_other_arguments_are_other_calls():
    train, calls = counted()
    found = [train("LeNet", 0), train("LeNet", 1), train("LeNet", 0, change="x"), train("LeNet", 0, "x"), train("A", 0)]
    assert len(set(found)) == len(calls) == 5


def test_nothing_is_kept_of_a_call_that_failed():
    tried = []

    @remember
    def fails_once(value):
        tried.append(value)
        if len(tried) == 1:
            raise OSError("not yet")
        return value

    with pytest.raises(OSError, match="not yet"):
        fails_once(None)
    assert fails_once(None) is None is fails_once(None)
    assert len(tried) == 2  # None is a result like any other


@pytest.mark.parametrize("value", [[1], {"a": 1}, np.zeros(2), ("tuple", [1])], ids=type)
def test_what_can_change_later_is_refused_in_one_line(value):
    train, calls = counted()
    with pytest.raises(LookInsideError, match=r"^change of train is a .* give a tuple, a text or a number") as error:
        train("LeNet", 0, change=value)
    assert "\n" not in str(error.value) and not calls


NETWORKS = {"LS": 1, "LCF": 2}


@remember
def a_network(name, seed=0):
    return looked_up(name)


def looked_up(name):
    return NETWORKS[name]


@remember
def of_a_fault(name):
    return {"x": 1}["y"]


def test_a_name_that_is_mistyped_is_told_with_those_that_are_there():
    with pytest.raises(LookInsideError, match=r"^a_network knows no 'LFC': NETWORKS has LS, LCF\.$") as told:
        a_network("LFC")
    assert told.value.__suppress_context__
    assert a_network("LCF") == 2


def test_another_key_error_stays_what_it_is():
    with pytest.raises(KeyError, match="y"):
        of_a_fault("x")
