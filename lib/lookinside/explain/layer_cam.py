"""LayerCAM: a layer's maps, each place weighted by its own positive gradient."""

import tensorflow as tf

from lookinside.explain.maps.class_maps import GradientMap


class LayerCAM(GradientMap):
    """LayerCAM: each place of a map weighted by its own positive gradient; early layers give finer maps.

    Arguments and errors: see `GradCAM`.

    Source: Jiang et al. 2021, Eqs. 5 and 6.
    """

    def _sum(self, maps, slopes):
        return tf.reduce_sum(maps * tf.nn.relu(slopes), axis=-1)
