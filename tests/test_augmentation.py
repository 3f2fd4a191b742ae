"""Strong augmentation: every image its own draw, repeatable, and nothing out of range."""

from __future__ import annotations

import numpy as np
import pytest

from cxrlab.augmentation import AUGMENTATIONS, augment, check_augmentation
from cxrlab.errors import CXRLabError


@pytest.fixture(scope="module")
def images():
    """Four times the same picture: a bright disc left of the middle, on mid-grey."""
    rows, columns = np.mgrid[:64, :64]
    disc = (rows - 32) ** 2 + (columns - 20) ** 2 < 100
    picture = np.where(disc, 0.9, 0.4).astype(np.float32)
    return np.repeat(picture[None, :, :, None], 4, axis=0)


def changed(images, seed):
    return augment(images, np.int64(seed)).numpy()


def test_the_same_seed_draws_the_same_and_another_seed_another(images):
    once = changed(images, 3)
    assert np.array_equal(once, changed(images, 3))
    assert np.abs(once - changed(images, 4)).mean() > 0.02


def test_every_image_of_a_batch_is_changed_in_its_own_way(images):
    found = changed(images, 0)
    for first in range(4):
        for second in range(first):
            assert np.abs(found[first] - found[second]).mean() > 0.02


def test_shape_and_range_are_kept(images):
    for seed in range(10):
        found = changed(images, seed)
        assert found.shape == images.shape
        assert found.min() >= 0 and found.max() <= 1


def test_about_half_are_mirrored_and_the_disc_stays_in_the_picture(images):
    many = np.concatenate([changed(images, seed) for seed in range(30)])[..., 0]
    weight = many - many.min(axis=(1, 2), keepdims=True)
    weight = weight**4
    columns = (weight * np.arange(64)).sum(axis=(1, 2)) / weight.sum(axis=(1, 2))
    mirrored = (columns > 32).mean()
    assert 0.3 < mirrored < 0.7


def test_an_unknown_augmentation_is_a_sentence():
    with pytest.raises(CXRLabError, match="Choose one of none, strong"):
        check_augmentation("mad")
    for name in AUGMENTATIONS:
        check_augmentation(name)
