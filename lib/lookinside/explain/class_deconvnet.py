"""The deconvnet of a class: its score projected back through ReLUs that look at the way back alone."""

from lookinside.explain.network.backward import deconvnet_relu
from lookinside.explain.saliency import Saliency


class ClassDeconvnet(Saliency):
    """The class's score projected back: ReLUs keep what is positive on the way back, max pools use their switches.

    `Deconvnet` takes no class and projects single maps; this one starts at a class. `gradients` keeps the signs.

    Source: Zeiler & Fergus 2014, as in Springenberg et al. 2015, Fig. 1. Arguments: see `Explainer`.

    Raises:
        LookInsideError: as `GuidedBackprop`.
    """

    needs_layers = True
    relu = staticmethod(deconvnet_relu)
