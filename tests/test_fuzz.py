"""What reads strangers' bytes, on damaged and hostile files; `make test-fuzz` tries far more.

Below that, what fuzzing has found, each fault by itself.
"""

from __future__ import annotations

import os
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from fuzzing.fuzz import run, tried
from fuzzing.guard import Guard
from fuzzing.readers import READERS
from fuzzing.samples import all_samples
from PIL import Image

from cxrlab.images import read_image, to_uint8
from cxrlab.sources import covid
from cxrlab.sources.download import contents
from cxrlab.sources.fetching import normal_name


@pytest.fixture(scope="module")
def guard() -> Guard:
    return Guard()


def test_every_sample_is_read_before_it_is_damaged(phantom_data, guard):
    outcomes = {}
    for sample in all_samples(phantom_data, originals=4):
        outcomes.setdefault(sample.reader, set()).add(tried(sample, sample.data, guard)["outcome"])
    assert outcomes.pop("image") == {"read", "animated", "blank or a mask"}  # of 1 bit a pixel
    assert outcomes and all(outcome == {"read"} for outcome in outcomes.values())


@pytest.mark.skipif(os.name != "posix", reason="time and memory are limited as POSIX does it")
def test_three_hundred_mutations(phantom_data, tmp_path):
    """In a process of its own, so that a crash or a hang is a failure and not the end."""
    found = run(300, 1, phantom_data, list(READERS), kept=tmp_path)
    assert found["faults"] == []
    assert set(found["outcomes"]) == set(READERS)
    assert sum(counts.total() for counts in found["outcomes"].values()) == 300


# --- found -----------------------------------------------------------------------------------

HEADER = "patientid,finding,view,modality,filename"


def test_a_label_in_the_metadata_decides_nothing(tmp_path):
    text = f"{HEADER},label\np1,No Finding,PA,X-ray,a.png,1\n"
    (tmp_path / "metadata.csv").write_text(text)
    assert covid.load(tmp_path)["label"].isna().all()


@pytest.mark.parametrize("name", ["", "\0hidden.png"])
def test_a_member_without_a_name_is_left_out(tmp_path, name):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("train/NORMAL/a.png", b"1")
        nameless = zipfile.ZipInfo("x")
        nameless.filename = name
        packed.writestr(nameless, b"2")
    names = [normal_name(inside) for inside, _, _ in contents(path)]
    assert names == ["train/NORMAL/a.png", None]


def test_deep_images_are_converted_in_little_memory():
    """900 kB of PNG with 100 million pixels of 16 bits took 1.9 GB, all of Binder's memory."""
    values = np.zeros((3000, 3000), np.uint16)
    values[-1, -1] = 4095
    deep = Image.fromarray(values)
    tracemalloc.start()
    try:
        pixels = to_uint8(deep)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert pixels[-1, -1] == 255
    # Two bytes a pixel come in, one goes out; a copy as float64 alone would be eight.
    assert peak < 6 * values.size


def test_a_signalling_nan_does_not_warn(tmp_path):
    values = np.linspace(0, 1, 1600, dtype=np.float32).reshape(40, 40)
    values.view(np.uint32)[0, 0] = 0x7F800001
    Image.fromarray(values).save(tmp_path / "a.tif")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image(tmp_path / "a.tif").max() == 255
