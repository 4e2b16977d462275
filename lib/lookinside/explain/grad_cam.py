"""Grad-CAM: a layer's maps, weighted by the mean gradient of the class's score."""

import tensorflow as tf

from lookinside.explain.maps.class_maps import GradientMap, places_of


class GradCAM(GradientMap):
    """Grad-CAM: a layer's maps, weighted by the mean gradient of the class's score, summed, negative parts cut.

    Args:
        model: see `Explainer`.
        layer: name of the layer whose maps are summed ("outer/inner" in a nested model); a convolution stands for its
            maps behind the normalisation and activation that follow it, an encoder of two images for its call on the
            one that is explained: `GradCAM(model, "encoder/conv3", input="left")`. None: the first maps from the last
            convolution on through which all of the score passes, behind a residual sum or a concatenation; of a
            per-pixel classifier the last of its smallest maps, the bottom of a U-Net. The explainer's `layer` says
            which.
        options: see `Explainer`.

    Raises:
        LookInsideError: for a layer that does not exist (the nearest names are offered), has no maps, on which the
            score does not depend, or that is called several times on the way from the input to the score; a model
            without convolution; else as `Explainer`.

    Source: Selvaraju et al. 2017, Eqs. 1 and 2; for regions Vinogradova et al. 2020.
    """

    def _sum(self, maps, slopes):
        return tf.einsum("n...k,nk->n...", maps, tf.reduce_mean(slopes, axis=places_of(maps)))
