"""On which devices a network is trained: the same notebook on a processor, one GPU or several."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf


def training_strategy() -> tf.distribute.Strategy:
    """Copies on all GPUs where there are several, else TensorFlow's own choice of one device.

    Several GPUs share each batch, so that the batch size keeps its meaning.
    """
    import tensorflow as tf

    if len(tf.config.list_logical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def shared_evenly(
    batches: tf.data.Dataset, devices: int, images: int, batch_size: int
) -> tf.data.Dataset:
    """Batches of so many images in equal parts for the devices; for one device, as they are.

    The convolutions fail on a device whose part of the last batch is empty. So up to
    ``devices`` - 1 images at its end are left out; where the data set is shuffled, others in
    each epoch.
    """
    import tensorflow as tf

    if devices == 1:
        return batches

    def trimmed(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        kept = tf.shape(images)[0] // devices * devices
        return images[:kept], labels[:kept]

    options = tf.data.Options()
    # One machine reads for all of its devices: there are no files to divide among machines.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    whole, rest = divmod(images, batch_size)
    return batches.map(trimmed).take(whole + (rest >= devices)).with_options(options)
