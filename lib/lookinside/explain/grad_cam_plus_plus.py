"""Grad-CAM++: a layer's maps, weighted by where the class's score rises."""

import tensorflow as tf

from lookinside.explain.maps.class_maps import GradientMap, places_of


class GradCAMPlusPlus(GradientMap):
    """Grad-CAM++: as Grad-CAM, but only places count where the score rises, the fewer of a map the more each.

    Arguments and errors: see `GradCAM`. The paper's maps are 0 or more, as behind a ReLU; a map whose sum is negative
    counts as if it were 0. The exponential of the score, by which the paper multiplies all weights of an image alike,
    is left out: it overflows.

    Source: Chattopadhay et al. 2018, Eqs. 6, 7 and 19.
    """

    def _sum(self, maps, slopes):
        # Eq. 19, both sides of the fraction divided by the squared slope.
        rising, places = tf.nn.relu(slopes), places_of(maps)
        below = 2.0 + rising * tf.nn.relu(tf.reduce_sum(maps, axis=places, keepdims=True))
        weights = tf.reduce_sum(rising / below, axis=places)
        return tf.einsum("n...k,nk->n...", maps, weights)
