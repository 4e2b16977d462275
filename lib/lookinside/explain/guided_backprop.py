"""Guided backpropagation: the gradient through ReLUs that hand down only what is positive on both ways."""

from lookinside.explain.network.backward import guided_relu
from lookinside.explain.saliency import Saliency


class GuidedBackprop(Saliency):
    """The gradient with guided ReLUs, which hand down only what is positive on both ways.

    Every ReLU is found: layer, activation argument, operation, inside a nested model. `gradients` keeps the signs.
    It hardly depends on the class (Nie et al. 2018): read it as sharp edges, and check it with `randomization_check`.

    Source: Springenberg et al. 2015, section 3.4. Arguments: see `Explainer`.

    Raises:
        LookInsideError: for a model with another rectifier (leaky, ELU, SiLU, ...), or a layer that is not one of
            Keras'.
    """

    needs_layers = True
    relu = staticmethod(guided_relu)
