"""Decoding once, and what Keras gets to see."""

from __future__ import annotations

import os
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cxrlab import memory, stored
from cxrlab.errors import CXRLabError
from cxrlab.images import UnreadableImage
from cxrlab.pipeline import Xrays, dataset, decode
from cxrlab.stored import store
from cxrlab.training import Settings, made_ready


@pytest.fixture
def cases(tmp_path):
    rows = []
    for number in range(6):
        path = tmp_path / f"{number}.png"
        Image.fromarray(np.full((40, 50), 40 * number, np.uint8)).save(path)
        row = {"image_id": path.name, "path": str(path), "label": number % 2}
        rows.append({**row, "patient_id": f"p{number // 2}"})
    return pd.DataFrame(rows)


def some_xrays(count: int = 10) -> Xrays:
    pixels = np.arange(count, dtype=np.uint8)[:, None, None, None]
    pixels = np.broadcast_to(pixels, (count, 224, 224, 1)).copy()
    cases = pd.DataFrame({"patient_id": [f"p{number}" for number in range(count)]})
    return Xrays(pixels, np.arange(count) % 2, cases)


def test_images_are_kept_as_one_channel_of_bytes_in_the_order_of_the_table(cases):
    xrays = decode(cases)
    assert xrays.pixels.shape == (6, 224, 224, 1)
    assert xrays.pixels.dtype == np.uint8
    assert [image[0, 0, 0] for image in xrays.pixels] == [0, 40, 80, 120, 160, 200]
    assert list(xrays.labels) == [0, 1, 0, 1, 0, 1]
    assert list(xrays.patients) == ["p0", "p0", "p1", "p1", "p2", "p2"]


def test_a_cache_spares_the_files_the_second_time(cases, tmp_path):
    cache = tmp_path / "cache" / "pixels.npy"
    first = decode(cases, cache)
    for path in cases["path"]:
        Image.new("L", (40, 40), 255).save(path)
    assert np.array_equal(decode(cases, cache).pixels, first.pixels)


def test_a_cache_of_other_cases_is_not_used(cases, tmp_path):
    cache = tmp_path / "pixels.npy"
    decode(cases.iloc[:4], cache)
    assert len(decode(cases, cache).pixels) == 6


def test_a_damaged_cache_is_made_anew(cases, tmp_path):
    cache = tmp_path / "pixels.npy"
    decode(cases, cache)
    cache.write_bytes(cache.read_bytes()[:500])
    assert decode(cases, cache).pixels.shape == (6, 224, 224, 1)


def test_an_unreadable_file_is_named(cases, tmp_path):
    (tmp_path / "3.png").write_bytes(b"no image")
    with pytest.raises(UnreadableImage, match="3.png"):
        decode(cases)


def test_batches_have_three_equal_channels_within_0_and_1():
    images, labels = next(iter(dataset(some_xrays(), batch_size=4)))
    assert images.shape == (4, 224, 224, 3)
    assert labels.shape == (4, 1)
    assert np.allclose(images[..., 0], images[..., 2])
    assert images.numpy().max() == pytest.approx(3 / 255)


def order(shuffle_seed, epochs: int = 1) -> list[list[int]]:
    batches = dataset(some_xrays(), batch_size=4, shuffle_seed=shuffle_seed)
    return [
        [round(float(image[0, 0, 0]) * 255) for images, _ in batches for image in images]
        for _ in range(epochs)
    ]


def test_without_a_seed_the_order_is_that_of_the_table():
    assert order(None) == [list(range(10))]


def test_a_seed_shuffles_every_epoch_anew_and_every_run_alike():
    first, second = order(7, epochs=2)
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert order(7, epochs=2) == [first, second]


def test_take_keeps_pixels_labels_and_cases_together():
    chosen = some_xrays().take(np.array([5, 2]))
    assert [image[0, 0, 0] for image in chosen.pixels] == [5, 2]
    assert list(chosen.labels) == [1, 0]
    assert list(chosen.patients) == ["p5", "p2"]


def three_sources() -> Xrays:
    """30 of one source, 6 of another, 4 of a third; the pixel value is the position."""
    found = some_xrays(40)
    sources = ["many"] * 30 + ["few"] * 6 + ["fewest"] * 4
    return Xrays(found.pixels, found.labels, found.cases.assign(source=sources))


def test_balanced_batches_hold_as_many_of_each_source():
    xrays = three_sources()
    epochs = []
    for _ in range(2):
        batches = list(dataset(xrays, 12, shuffle_seed=0, balance_sources=True))
        assert len(batches) == 4  # as many as without balance
        seen = []
        for images, labels in batches:
            position = np.rint(images.numpy()[:, 0, 0, 0] * 255).astype(int)
            assert np.array_equal(labels.numpy()[:, 0], xrays.labels[position])
            counts = xrays.cases["source"].iloc[position].value_counts()
            assert dict(counts) == {"many": 4, "few": 4, "fewest": 4}
            seen += list(position)
        epochs.append(seen)
    again = [
        position
        for images, _ in dataset(xrays, 12, shuffle_seed=0, balance_sources=True)
        for position in np.rint(images.numpy()[:, 0, 0, 0] * 255).astype(int)
    ]
    assert again == epochs[0]


def test_augmentation_changes_the_images_anew_in_every_epoch_but_the_same_in_every_run():
    xrays = some_xrays(8)
    xrays.pixels[:, 60:160, 40:90] = 250

    def epochs():
        batches = dataset(xrays, 8, shuffle_seed=1, augmentation="strong")
        return [next(iter(batches))[0].numpy() for _ in range(2)]

    first, second = epochs()
    assert first.shape == (8, 224, 224, 3)
    assert np.abs(first - second).mean() > 0.01
    assert np.array_equal(first, epochs()[0])


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A workspace for temporary caches."""
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path / "workspace"))
    return tmp_path / "workspace"


@pytest.mark.parametrize("named", [True, False])
def test_pixels_beyond_the_share_of_memory_stay_on_the_disk(cases, tmp_path, workspace, named):
    cache = tmp_path / "pixels.npy" if named else None
    streamed = decode(cases, cache, memory_share=0)
    assert isinstance(streamed.pixels, np.memmap)
    assert np.array_equal(streamed.pixels, decode(cases).pixels)
    assert list(streamed.labels) == [0, 1, 0, 1, 0, 1]
    if named:  # what was streamed is a cache like any other
        assert np.array_equal(np.load(cache), streamed.pixels)
        assert sorted(path.name for path in tmp_path.glob("*.npy")) == ["pixels.npy"]


def test_a_cache_beyond_the_share_of_memory_is_mapped_and_the_files_are_spared(cases, tmp_path):
    cache = tmp_path / "pixels.npy"
    first = decode(cases, cache)
    for path in cases["path"]:
        Image.new("L", (40, 40), 255).save(path)
    again = decode(cases, cache, memory_share=0)
    assert isinstance(again.pixels, np.memmap)
    assert not isinstance(decode(cases, cache).pixels, np.memmap)
    assert np.array_equal(again.pixels, first.pixels)


def test_an_unreadable_file_leaves_no_half_cache(cases, tmp_path):
    (tmp_path / "3.png").write_bytes(b"no image")
    with pytest.raises(UnreadableImage, match="3.png"):
        decode(cases, tmp_path / "pixels.npy", memory_share=0)
    assert not list(tmp_path.glob("*.npy"))


def test_a_temporary_cache_leaves_no_file(cases, workspace):
    streamed = decode(cases, memory_share=0)
    assert streamed.pixels[5, 0, 0, 0] == 200
    if os.name == "posix":  # elsewhere it vanishes with the array
        assert not [path for path in workspace.rglob("*") if path.is_file()]


def test_a_full_disk_is_said_before_anything_is_read(cases, workspace, monkeypatch):
    monkeypatch.setattr(stored.shutil, "disk_usage", lambda _: SimpleNamespace(free=100_000))
    with pytest.raises(CXRLabError, match=r"6 X-rays take 0\.0 GB.*CXRLAB_WORKSPACE"):
        decode(cases, memory_share=0)


def on_disk(xrays: Xrays, path) -> Xrays:
    return Xrays(store(xrays.pixels.shape, xrays.pixels, path), xrays.labels, xrays.cases)


@pytest.mark.parametrize("augmentation", ["none", "strong"])
@pytest.mark.parametrize("balance_sources", [False, True])
def test_batches_from_the_disk_are_those_from_memory(tmp_path, augmentation, balance_sources):
    xrays = three_sources()
    xrays.pixels[:, 60:160, 40:90] += 100  # something that an augmentation moves
    streams = [
        dataset(which, 12, 3, augmentation, balance_sources)
        for which in (xrays, on_disk(xrays, tmp_path / "pixels.npy"))
    ]
    assert streams[0].element_spec == streams[1].element_spec
    for _ in range(2):  # epochs
        batches = [list(stream.as_numpy_iterator()) for stream in streams]
        assert len(batches[0]) == len(batches[1]) == 4
        for (images, labels), (read, read_labels) in zip(*batches, strict=True):
            assert np.array_equal(images, read)
            assert np.array_equal(labels, read_labels)


def test_a_part_of_stored_xrays_stays_on_the_disk_where_it_is_too_large(
    tmp_path, workspace, monkeypatch
):
    xrays = on_disk(some_xrays(), tmp_path / "pixels.npy")
    positions = np.array([5, 2, 7])
    held = xrays.take(positions)
    assert not stored.is_stored(held.pixels)
    monkeypatch.setattr(memory, "available_memory", lambda: 100_000)
    kept = xrays.take(positions)
    assert stored.is_stored(kept.pixels)
    for part in (held, kept):
        assert [image[0, 0, 0] for image in part.pixels] == [5, 2, 7]


def test_rows_of_a_mapped_view_are_copied_and_the_view_still_reads(tmp_path):
    view = on_disk(some_xrays(), tmp_path / "pixels.npy").pixels[4:]
    for _ in range(2):
        rows = stored.rows_of(view, np.array([3, 0]))
        assert not stored.is_stored(rows)
        assert [image[0, 0, 0] for image in rows] == [7, 4]


def test_pixels_on_the_disk_stay_there_until_the_batches_are_made(cases, workspace):
    mapped = decode(cases, memory_share=0)
    assert stored.is_stored(made_ready(mapped, Settings()).pixels)
