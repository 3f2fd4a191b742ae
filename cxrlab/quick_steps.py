"""The published network's training step: the same network, in fewer and cheaper operations.

Where a step of the network spends its time beside the convolutions, by measurement:

- random numbers for dropout, a float for each of 22 million values a batch of 32: here a byte;
- bias and ReLU over 222×222 values of each filter, of which pooling then drops three in four:
  here after the pooling. The largest of four values is the same one with a number added to each,
  and ReLU keeps their order;
- a first convolution over three equal channels: here over one of them, with the kernel summed
  over the three. The gradient reaches each of the three as before.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


def quick_steps(network: keras.Model) -> keras.Model:
    """A model over the very weights of a published network, not compiled, to train it with.

    It gives what ``network`` gives, up to rounding, on images whose three channels are equal.
    Its dropout rates are those of ``network`` rounded to a multiple of 1/256, held in the variables
    ``numbers``: they can be changed after tracing. What it learns is in ``network``, which is the
    one to keep.
    """
    return _model_class()(network)


def quick_dropout(values: tf.Tensor, rate: float | tf.Variable, seed: tf.Tensor) -> tf.Tensor:
    """Set a share ``rate`` of the values to 0 and scale the others up, so that the mean stays.

    ``rate`` within 0...1, below 1, is rounded to a multiple of 1/256; ``seed`` has shape (2,).
    """
    import tensorflow as tf

    limit = tf.minimum(tf.round(256 * tf.convert_to_tensor(rate, tf.float32)), 255)
    scale = tf.cast(256 / (256 - limit), values.dtype)
    count = tf.size(values)
    words = tf.random.stateless_uniform(
        [(count + 3) // 4], tf.cast(seed, tf.int32), minval=None, maxval=None, dtype=tf.int32
    )
    drawn = tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:count]
    kept = tf.reshape(drawn >= tf.cast(limit, tf.uint8), tf.shape(values))
    return tf.where(kept, values * scale, tf.zeros((), values.dtype))


@cache
def _model_class() -> type[keras.Model]:
    import keras
    import tensorflow as tf
    from keras import layers, ops

    class QuickSteps(keras.Model):
        def __init__(self, network: keras.Model) -> None:
            super().__init__(name="quick_steps")
            self.network = network
            self.built = True  # with the weights of the network
            dropout = [layer for layer in network.layers if isinstance(layer, layers.Dropout)]
            rates = [layer.rate for layer in dropout if layer.rate]
            # TensorFlow's variables and not Keras's: they are no weights of the network.
            self.numbers = [tf.Variable(float(rate), trainable=False) for rate in rates]

        def call(self, xrays, training=False):
            values, grey, rates = xrays, True, iter(self.numbers)
            for layer in self.network.layers:
                if isinstance(layer, layers.Conv2D):
                    values = self._convolved(values, layer.kernel, grey)
                    bias, grey = layer.bias, False
                elif isinstance(layer, layers.MaxPooling2D):
                    values = ops.relu(layer(values) + bias)
                elif isinstance(layer, layers.Dropout):
                    if training and layer.rate:
                        values = quick_dropout(values, next(rates), layer.seed_generator.next())
                else:
                    values = layer(values)
            return values

        def _convolved(self, values, kernel, grey):
            if grey:
                values, kernel = values[..., :1], ops.sum(kernel, axis=2, keepdims=True)
            return ops.conv(values, kernel, padding="valid")

    return QuickSteps
