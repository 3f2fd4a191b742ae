"""Which X-rays ``cxrlab data fetch`` takes, and over which way the normal ones come."""

from __future__ import annotations

import shutil
import sys
from types import SimpleNamespace

from typer.testing import CliRunner
from upstream import MENDELEY, archive_of, images_in, quiet

from cxrlab.cases import prepare
from cxrlab.cli import app
from cxrlab.sources import covid, fetch_kermany, kermany, manifest
from cxrlab.sources.fetch_all import fetch
from cxrlab.sources.plans import in_stable_order

runner = CliRunner()


def test_a_limit_takes_that_many_a_source_and_a_larger_one_keeps_them(upstream, tmp_path):
    fetch("all", tmp_path, limit=3, say=quiet)
    few = images_in(tmp_path)
    assert len(images_in(tmp_path / covid.NAME)) == 3
    assert len(images_in(tmp_path / kermany.NAME)) == 3
    upstream.asked.clear()
    fetch("all", tmp_path, limit=5, say=quiet)
    more = images_in(tmp_path)
    assert len(images_in(tmp_path / covid.NAME)) == 5
    assert set(few) <= set(more)
    assert sum(f"{upstream.raw(covid.NAME)}images/" in path for path in upstream.asked) == 2


def test_the_order_is_no_alphabet_and_does_not_depend_on_the_others():
    names = [f"IM-{n:04d}-0001.jpeg" for n in range(200)]
    order = in_stable_order(names, str)
    assert order == in_stable_order(reversed(names), str)
    assert in_stable_order(names[::2], str) == [name for name in order if name in names[::2]]
    first = [int(name[3:7]) for name in order[:50]]
    assert 70 < sum(first) / 50 < 130  # a sample of the whole, not its beginning


def test_the_same_file_twice_in_the_archive_is_taken_once(upstream, phantom_data, tmp_path):
    normal = next((phantom_data / "chest_xray").rglob("train/NORMAL/*"))
    upstream.files[MENDELEY] = archive_of(phantom_data / "chest_xray", again=normal.name)
    fetch_kermany.SIZE = len(upstream.files[MENDELEY])  # undone by the fixture's monkeypatch
    fetch("all", tmp_path, say=quiet)
    log = prepare(tmp_path).log.table().set_index("step")
    folder = tmp_path / kermany.NAME
    contents = [(folder / name).read_bytes() for name in images_in(folder)]
    assert len(contents) == len(set(contents)) > 10
    assert log.loc["no exact duplicates", "dropped"] <= 2  # the positives' own


def test_kaggle_a_copy_and_mendeley_give_the_same_xrays(upstream, phantom_data, tmp_path):
    fetch("covid", tmp_path / "covid", say=quiet)
    zipped = tmp_path / "ChestXRay2017.zip"
    zipped.write_bytes(upstream.files[MENDELEY])
    unpacked = phantom_data / "chest_xray"
    found = {}
    for way, archive in [("web", None), ("zip", zipped), ("folder", unpacked)]:
        shutil.copytree(tmp_path / "covid", tmp_path / way)
        said = []
        if way == "zip":  # of another size than Mendeley's: Kaggle's own
            fetch_kermany.SIZE += 1
        report = fetch("kermany", tmp_path / way, limit=12, archive=archive, say=said.append)
        assert report.complete, report
        found[way] = images_in(tmp_path / way / "chest_xray")
    assert found["web"] == found["zip"] == found["folder"]
    assert len(found["web"]) == 12
    ways = [manifest.read(tmp_path / way)[kermany.NAME]["way"] for way in found]
    assert ways == ["remote archive", "local archive", "local folder"]


def test_a_damaged_copy_of_mendeleys_archive_is_told_by_its_hash(upstream, tmp_path):
    copy = tmp_path / "copy.zip"
    copy.write_bytes(upstream.files[MENDELEY])
    report = fetch("kermany", tmp_path / "x", archive=copy, say=(said := []).append)
    assert not report.complete
    assert "SHA-256" in "\n".join(said)


def test_what_kaggle_attached_comes_first(upstream, phantom_data, tmp_path, monkeypatch):
    attached = tmp_path / "input" / "chest-xray-pneumonia"
    shutil.copytree(phantom_data / "chest_xray", attached / "chest_xray")
    monkeypatch.setattr(fetch_kermany, "ATTACHED", tmp_path / "input")
    fetch("kermany", tmp_path / "x", limit=4, say=quiet)
    assert MENDELEY not in upstream.asked
    assert manifest.read(tmp_path / "x")[kermany.NAME]["way"] == "attached folder"
    there = [tmp_path / "x" / "chest_xray" / name for name in images_in(tmp_path / "x/chest_xray")]
    assert len(there) == 4
    assert not any(path.is_symlink() for path in there)


def test_kagglehub_is_the_second_way_and_the_reason_is_said(
    upstream, phantom_data, tmp_path, monkeypatch
):
    upstream.broken[MENDELEY] = (404, b"gone")
    hub = SimpleNamespace(dataset_download=lambda handle: str(phantom_data))
    monkeypatch.setitem(sys.modules, "kagglehub", hub)
    report = fetch("kermany", tmp_path, limit=4, say=(said := []).append)
    assert report.complete
    text = "\n".join(said)
    assert "Mendeley's archive did not work" in text
    assert "The next way is tried." in text
    assert manifest.read(tmp_path)[kermany.NAME]["way"] == "kagglehub"


def test_an_archive_that_gives_nothing_after_its_directory_is_left_for_kaggle(
    upstream, phantom_data, tmp_path, monkeypatch
):
    hub = SimpleNamespace(dataset_download=lambda handle: str(phantom_data))
    monkeypatch.setitem(sys.modules, "kagglehub", hub)
    monkeypatch.setattr("cxrlab.fetching.web.pause", lambda *_: 0)

    def say(sentence):
        said.append(sentence)
        if sentence.startswith(f"{kermany.NAME} (remote archive)"):
            upstream.broken[MENDELEY] = (404, b"gone")

    said = []
    report = fetch("kermany", tmp_path, limit=4, say=say)
    assert report.complete, report
    assert "did not work" in "\n".join(said)
    assert "1.2 GB" in "\n".join(said)
    assert manifest.read(tmp_path)[kermany.NAME]["way"] == "kagglehub"
    assert report.new == 4


def test_an_archive_that_changed_is_not_read_by_what_was_known_of_the_old(upstream, tmp_path):
    upstream.files[MENDELEY] += b"more"
    report = fetch("kermany", tmp_path, limit=4, say=quiet)
    assert not report.complete
    assert images_in(tmp_path) == []


def test_no_token_is_printed_when_kaggle_refuses(upstream, tmp_path, monkeypatch):
    upstream.broken[MENDELEY] = (404, b"gone")

    def refuse(handle):
        raise RuntimeError("401 for https://reader:s3cr3t@kaggle.example/api?token=s3cr3t")

    monkeypatch.setitem(sys.modules, "kagglehub", SimpleNamespace(dataset_download=refuse))
    done = runner.invoke(app, ["data", "fetch", "kermany", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "--archive" in done.output  # what to do by hand
    assert "RuntimeError" in done.output
    assert "s3cr3t" not in done.output
