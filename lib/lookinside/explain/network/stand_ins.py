"""A layer's stand-in: it computes with the layer's own weights, and what is changed about it is not the layer."""

from __future__ import annotations

from collections.abc import Callable

import keras


def stand_in(operation: keras.Operation, change: Callable = lambda copy, own: None) -> keras.Operation:
    """Return a copy of a layer or operation: its weights are the layer's own, all else that a call may write to is not.

    Layers inside of it (in a wrapper, a recurrent layer, a nested model) get stand-ins as well. What a layer notes in
    a call, the losses of an activity regularizer for instance, stays with the stand-in.

    Args:
        operation: a built layer, or an operation of a graph.
        change: `(copy, own)`, called for each stand-in and what it stands for. It alters the copy by `vars(copy)`, for
            setting a layer's attribute makes Keras note it in lists.
    """
    made: dict[int, keras.Operation] = {}

    def of(value):
        if isinstance(value, keras.Operation):
            if id(value) not in made:
                made[id(value)] = object.__new__(type(value))  # known before it is filled: layers may hold one another
                _fill(made[id(value)], value, of)
                change(made[id(value)], value)
            return made[id(value)]
        if isinstance(value, list):
            return [of(one) for one in value]
        if isinstance(value, dict):
            return {key: of(one) for key, one in value.items()}
        if isinstance(value, set):
            return set(value)
        return tuple(of(one) for one in value) if type(value) is tuple else value

    return of(operation)


class _Untracked:
    """Stands for Keras' tracker, which notes each weight and layer that is set: a stand-in has none of its own."""

    def track(self, value):
        return value

    def lock(self):
        pass

    unlock = lock


def _fill(copy, own, of):
    vars(copy).update({name: of(value) for name, value in vars(own).items()})  # its lists are lists of their own
    if isinstance(own, keras.Layer):
        vars(copy).update(_tracker=_Untracked(), _self_setattr_tracking=False)
    if hasattr(own, "_nodes_by_depth"):  # a functional model runs the layers of its graph, not those of its lists

        def run(inputs, operation_fn=lambda one: one, call_fn=None):
            return type(own)._run_through_graph(own, inputs, lambda one: operation_fn(of(one)), call_fn)

        vars(copy)["_run_through_graph"] = run
