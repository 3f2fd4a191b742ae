"""``cxrlab data fetch`` when something fails: it is said, the rest is kept, a rerun completes."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner
from upstream import Upstream, images_in, quiet

from cxrlab.cli import app
from cxrlab.data_status import describe, fetched_state
from cxrlab.sources import actualmed, covid, fetch_github, figure1, kermany, manifest
from cxrlab.sources.fetch_all import fetch

runner = CliRunner()


def test_what_fails_is_listed_the_rest_kept_and_a_rerun_completes(upstream, tmp_path):
    image = next(path for path in upstream.files if path.startswith(upstream.raw(covid.NAME)
                 + "images/") and _is_wanted(path, upstream))  # fmt: skip
    upstream.broken[image] = (404, b"404: Not Found")
    done = runner.invoke(app, ["data", "fetch", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "1 failure" in done.output
    assert Path(image).name in done.output
    assert "Run the same once more" in done.output
    assert "1 of" in " ".join(fetched_state(tmp_path))
    assert len(images_in(tmp_path / kermany.NAME)) > 10
    upstream.broken.clear()
    upstream.asked.clear()
    done = runner.invoke(app, ["data", "fetch", "--data", str(tmp_path)])
    assert done.exit_code == 0
    assert [path for path in upstream.asked if "/images/" in path] == [image]


def _is_wanted(path: str, upstream: Upstream) -> bool:
    table = upstream.files[upstream.raw(covid.NAME) + "metadata.csv"].decode().splitlines()
    row = next(line for line in table if Path(path).name in line)
    return "COVID-19" in row and ",PA,X-ray," in row


def test_another_file_under_the_name_of_an_image_is_refused(upstream, tmp_path):
    fetch("covid", tmp_path / "first", say=quiet)
    one, other = list((tmp_path / "first" / covid.NAME / "images").iterdir())[:2]
    upstream.broken[f"{upstream.raw(covid.NAME)}images/{one.name}"] = (200, other.read_bytes())
    report = fetch("covid", tmp_path / "second", say=quiet)
    assert len(report.failed[covid.NAME]) == 1
    assert one.name in report.failed[covid.NAME][0]
    assert not (tmp_path / "second" / covid.NAME / "images" / one.name).exists()


def test_one_source_out_of_reach_does_not_stop_the_others(upstream, tmp_path):
    upstream.broken[upstream.raw(actualmed.NAME) + "metadata.csv"] = (404, b"gone")
    report = fetch("all", tmp_path, say=quiet)
    assert list(report.failed) == [actualmed.NAME]
    assert images_in(tmp_path / covid.NAME)
    assert images_in(tmp_path / figure1.NAME)


def test_without_githubs_list_sizes_are_estimates_and_endings_are_tried(upstream, tmp_path):
    for name in (covid.NAME, figure1.NAME):
        upstream.broken[upstream.listing(name)] = (403, b"rate limit exceeded")
    report = fetch("all", tmp_path, say=(said := []).append)
    assert f"{figure1.NAME} (repository): 3 images to come, about " in "\n".join(said)
    assert (tmp_path / figure1.NAME / "images" / "COVID-00003b.png").is_file()
    # One phantom is cut short, and without a hash nobody can say that the source has it so.
    assert set(report.failed) == {covid.NAME}
    assert not describe(tmp_path).problems["reason"].eq("truncated").any()


def test_an_image_that_is_damaged_at_its_source_is_said_and_left_to_the_audit(upstream, tmp_path):
    report = fetch("covid", tmp_path, say=quiet)
    assert report.complete
    assert len(report.damaged) == 1
    assert "cannot be decoded" in str(report)


def test_a_disk_that_is_too_small_is_told_before_an_image_is_asked_for(
    upstream, tmp_path, monkeypatch
):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=60_000_000 - 1))
    monkeypatch.setattr("cxrlab.fetching.faults.SPARE", 59_000_000)
    done = runner.invoke(app, ["data", "fetch", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "to spare" in str(done.output)
    assert not [path for path in upstream.asked if "/images/" in path]


def test_without_a_connection_every_source_says_so(upstream, tmp_path, monkeypatch):
    monkeypatch.setenv("CXRLAB_MIRROR", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setattr("cxrlab.fetching.web.pause", lambda *_: 0)
    done = runner.invoke(app, ["data", "fetch", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert all(name in done.output for name in (covid.NAME, kermany.NAME, actualmed.NAME))
    assert "Traceback" not in done.output
    assert not manifest.read(tmp_path)


def test_two_fetches_at_once_bring_everything_once(upstream, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(fetch, "covid", tmp_path / "x", say=quiet) for _ in range(2)]
        reports = [one.result() for one in both]
    assert all(report.complete for report in reports)
    images = [path for path in upstream.asked if "/images/" in path]
    assert len(images) == len(set(images)) == len(images_in(tmp_path / "x"))
    assert sorted(report.new for report in reports) == [0, len(images)]


def test_a_fetch_that_was_stopped_goes_on(upstream, tmp_path, monkeypatch):
    came = []

    def stop_after_five(path, digest, name, into):
        check(path, digest, name, into)
        came.append(name)
        if len(came) == 5:
            raise KeyboardInterrupt

    check = fetch_github._check
    monkeypatch.setattr(fetch_github, "_check", stop_after_five)
    with pytest.raises(KeyboardInterrupt):
        fetch("covid", tmp_path, say=quiet)
    monkeypatch.setattr(fetch_github, "_check", check)
    there = images_in(tmp_path)
    upstream.asked.clear()
    report = fetch("covid", tmp_path, say=quiet)
    assert report.complete
    asked = [Path(path).name for path in upstream.asked if "/images/" in path]
    assert 4 <= len(there) < len(images_in(tmp_path))
    assert not {Path(name).name for name in there} & set(asked)
