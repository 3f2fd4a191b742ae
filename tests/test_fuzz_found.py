"""What fuzzing has found, each fault by itself."""

from __future__ import annotations

import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from PIL import Image

from cxrlab import images
from cxrlab.case_files import read_cases
from cxrlab.errors import CXRLabError
from cxrlab.images import read_image, to_uint8
from cxrlab.sources import covid
from cxrlab.sources.download import Archive
from cxrlab.sources.fetching import normal_name

HEADER = "patientid,finding,view,modality,filename"


def metadata(tmp_path, text: str):
    (tmp_path / "metadata.csv").write_text(text)
    return covid.load(tmp_path)


def test_a_case_file_with_values_under_no_name_is_refused(tmp_path):
    """pandas makes an index of what is too much: the labels were then taken from elsewhere."""
    path = tmp_path / "CASES.csv"
    path.write_text("path,label\na.png,1,0\nb.png,0,1\n")
    with pytest.raises(CXRLabError, match="more values than its first line has names"):
        read_cases(path)


def test_metadata_with_values_under_no_name_is_refused(tmp_path):
    with pytest.raises(CXRLabError, match="more values than its first line has names"):
        metadata(tmp_path, f"{HEADER}\np1,x,COVID-19,PA,X-ray,a.png\n")


def test_columns_that_differ_by_a_blank_are_refused(tmp_path):
    with pytest.raises(CXRLabError, match="two columns called 'filename'"):
        metadata(tmp_path, f"{HEADER}, filename\np1,COVID-19,PA,X-ray,a.png,b.png\n")


@pytest.mark.parametrize("label", ["1", "../secret.png"])
def test_a_label_in_the_metadata_decides_nothing(tmp_path, label):
    table = metadata(tmp_path, f"{HEADER},label\np1,No Finding,PA,X-ray,a.png,{label}\n")
    assert table["label"].isna().all()


@pytest.mark.parametrize("name", ["", "\0hidden.png"])
def test_a_member_without_a_name_is_left_out(tmp_path, name):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("train/NORMAL/a.png", b"1")
        nameless = zipfile.ZipInfo("x")
        nameless.filename = name
        packed.writestr(nameless, b"2")
    names = [normal_name(member.filename) for member in Archive(path).members]
    assert names == ["train/NORMAL/a.png", None]


def test_a_member_that_ends_early_is_refused(tmp_path):
    """With the right CRC-32 for what there is: zipfile looks at no more than that."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("train/NORMAL/a.png", b"1" * 50)
    archive = Archive(path)
    archive.members[0].file_size = 60
    with pytest.raises(CXRLabError, match="is damaged"):
        archive.read(archive.members[0])


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
    assert peak < 6 * values.size + 30 * images.STRIP


@pytest.mark.parametrize("scale", [16, 1000], ids=["12 bits", "beyond 16 bits"])
def test_strips_make_no_difference(monkeypatch, scale):
    values = np.random.default_rng(0).integers(0, 255, (50, 40)).astype(np.int32) * scale
    whole = to_uint8(Image.fromarray(values))
    monkeypatch.setattr(images, "STRIP", 90)
    assert np.array_equal(to_uint8(Image.fromarray(values)), whole)


def test_a_signalling_nan_does_not_warn(tmp_path):
    values = np.linspace(0, 1, 1600, dtype=np.float32).reshape(40, 40)
    values.view(np.uint32)[0, 0] = 0x7F800001
    Image.fromarray(values).save(tmp_path / "a.tif")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image(tmp_path / "a.tif").max() == 255
