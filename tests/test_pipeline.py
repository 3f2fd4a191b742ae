"""Decoding once, what Keras gets to see, and strong augmentation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cxrlab.errors import CXRLabError
from cxrlab.pipeline import Xrays, acquire, augment, batches, decode, drawn_batches


@pytest.fixture
def cases(tmp_path):
    rows = []
    for number in range(6):
        path = tmp_path / f"{number}.png"
        film = np.full((40, 50), 40 * number, np.uint8)
        film[20:] = np.linspace(0, 255, 50)  # one shade alone is no X-ray
        Image.fromarray(film).save(path)
        row = {"image_id": path.name, "path": str(path), "label": number % 2}
        rows.append({**row, "patient_id": f"p{number // 2}"})
    return pd.DataFrame(rows)


def some_xrays(count: int = 10) -> Xrays:
    """Their pixels and names are their positions."""
    pixels = np.arange(count, dtype=np.uint8)[:, None, None, None]
    pixels = np.broadcast_to(pixels, (count, 224, 224, 1)).copy()
    cases = pd.DataFrame({"image_id": range(count), "patient_id": [f"p{n}" for n in range(count)]})
    return Xrays(pixels, np.arange(count) % 2, cases)


def firsts(xrays: Xrays) -> list[int]:
    return [int(image[0, 0, 0]) for image in xrays.pixels]


def test_images_are_kept_as_one_channel_of_bytes_in_the_order_of_the_table(cases):
    xrays = decode(cases.iloc[::-1])
    assert xrays.pixels.shape == (6, 224, 224, 1)
    assert xrays.pixels.dtype == np.uint8
    assert firsts(xrays) == [200, 160, 120, 80, 40, 0]
    assert list(xrays.labels) == [1, 0, 1, 0, 1, 0]
    assert list(xrays.patients) == ["p2", "p2", "p1", "p1", "p0", "p0"]
    assert decode(cases, size=32).pixels.shape == (6, 32, 32, 1)


def test_a_damaged_file_is_named_and_left_out_unless_none_is_left(cases, tmp_path, capsys):
    (tmp_path / "2.png").write_bytes(b"no image")
    xrays = decode(cases)
    said = capsys.readouterr().out
    assert "1 of 6 X-rays cannot be read and are left out." in said and "2.png" in said
    assert firsts(xrays) == [0, 40, 120, 160, 200]
    assert list(xrays.labels) == [0, 1, 1, 0, 1]
    assert list(xrays.cases["image_id"]) == ["0.png", "1.png", "3.png", "4.png", "5.png"]
    with pytest.raises(CXRLabError, match=r"None of 1 X-rays can be read.*2\.png: not an image"):
        decode(cases[2:3])


def test_take_and_of_keep_pixels_labels_and_cases_together():
    xrays = some_xrays()
    for chosen in (xrays.take(np.array([5, 2])), xrays.of(xrays.cases.iloc[[5, 2]])):
        assert firsts(chosen) == [5, 2]
        assert list(chosen.labels) == [1, 0]
        assert list(chosen.patients) == ["p5", "p2"]


def test_an_xray_that_was_not_decoded_or_stands_there_twice_is_named():
    doubled = some_xrays().take(np.array([3, 3, 4]))
    for xrays, asked, named in ((some_xrays(), [3, 77], 77), (doubled, [3, 4], 3)):
        with pytest.raises(CXRLabError, match=f"1 X-rays are not decoded .* such as {named}"):
            xrays.of(pd.DataFrame({"image_id": asked}))


def test_changedhave_three_equal_channels_within_0_and_1_and_their_labels():
    made = batches(some_xrays(), batch_size=4)
    assert [len(labels) for _, labels in made] == [4, 4, 2]
    images, labels = next(iter(made))
    assert images.shape == (4, 224, 224, 3) and images.dtype == "float32"
    assert labels.shape == (4, 1) and list(labels[:, 0]) == [0, 1, 0, 1]
    assert np.allclose(images[..., 0], images[..., 2])
    assert images.numpy().max() == pytest.approx(3 / 255)
    # Keras knows the shape, and no autotuner sleeps before the first batch of every epoch.
    for made in (batches(some_xrays(), shuffle_seed=1), drawn_batches(some_people(), TWO, 3, 1)):
        assert [tuple(spec.shape) for spec in made.element_spec] == [(None, 224, 224, 3), (None, 1)]
        assert made.options().autotune.enabled is False


def positions(made, xrays: Xrays) -> list[int]:
    """Those of the X-rays in one epoch, after a look whether labels have stayed with images."""
    seen = []
    for images, labels in made:
        seen += list(np.rint(images.numpy()[:, 0, 0, 0] * 255).astype(int))
        assert np.array_equal(labels.numpy()[:, 0], xrays.labels[seen[-len(images) :]])
    return seen


def test_a_seed_shuffles_every_epoch_anew_and_every_run_alike():
    xrays = some_xrays()
    assert positions(batches(xrays), xrays) == list(range(10))

    def epochs(seed: int) -> list[list[int]]:
        made = batches(xrays, 4, shuffle_seed=seed)
        return [positions(made, xrays), positions(made, xrays)]

    first, second = epochs(7)
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert epochs(7) == [first, second] != epochs(8)


TWO, BOTH = {"ill": 4, "well": 6}, (augment, acquire)


def some_people() -> Xrays:
    """40 X-rays: 10 of the ill from one source, and the well from a large and a small one."""
    found = some_xrays(40)
    who = np.array(["ill"] * 10 + ["well"] * 30)
    source = np.array(["here"] * 10 + ["there"] * 26 + ["elsewhere"] * 4)
    return Xrays(found.pixels, found.labels, found.cases.assign(who=who, source=source))


def test_drawn_changedhold_the_wanted_shares_and_as_many_of_each_source():
    xrays, epochs = some_people(), []
    for _ in range(2):
        made = drawn_batches(xrays, TWO, steps=8, seed=0)
        epochs.append(np.reshape(positions(made, xrays), (8, 10)))
        for batch in epochs[-1]:
            sources = xrays.cases["source"].to_numpy()[batch]
            counts = dict(zip(*np.unique(sources, return_counts=True), strict=True))
            assert counts == {"here": 4, "there": 3, "elsewhere": 3}
    assert np.array_equal(*epochs)  # made twice from one seed
    assert len(set(epochs[0][:, :4].ravel())) == 10  # every one comes before any comes again


def test_drawn_changedchange_each_image_anew_but_the_same_in_every_run():
    xrays = some_people()
    xrays.pixels[:, 60:160, 40:90] = 250

    def two(seed: int) -> list[np.ndarray]:
        made = drawn_batches(xrays.take(np.arange(11)), {"ill": 10, "well": 1}, 2, seed, BOTH)
        return [images.numpy() for images, _ in made]

    first, second = two(1)
    assert first.shape == (11, 224, 224, 3) and 0 <= first.min() <= first.max() <= 1
    assert np.abs(np.sort(first, 0) - np.sort(second, 0)).mean() > 0.01
    assert np.array_equal(first, two(1)[0])
    assert np.abs(first - two(2)[0]).mean() > 0.01


def test_every_image_of_a_batch_is_changed_in_its_own_way_and_stays_in_range():
    rows, columns = np.mgrid[:64, :64]  # a bright disc left of the middle, on mid-grey
    disc = (rows - 32) ** 2 + (columns - 20) ** 2 < 100
    picture = np.where(disc, 0.9, 0.4).astype(np.float32)
    discs = np.repeat(picture[None, :, :, None], 4, axis=0)
    changed = [augment(discs, np.int64(seed)).numpy() for seed in range(30)]
    for found in changed[:5]:
        assert found.shape == discs.shape and 0 <= found.min() <= found.max() <= 1
        for first in range(4):
            for second in range(first):
                assert np.abs(found[first] - found[second]).mean() > 0.02
    # About half are mirrored, and the disc stays in the picture.
    many = np.concatenate(changed)[..., 0]
    weight = (many - many.min(axis=(1, 2), keepdims=True)) ** 4
    columns = (weight * np.arange(64)).sum(axis=(1, 2)) / weight.sum(axis=(1, 2))
    assert 0.3 < (columns > 32).mean() < 0.7
