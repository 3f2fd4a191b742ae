"""``cxrlab data fetch`` against a made upstream: the whole way, and what is said before it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner
from upstream import MENDELEY, Upstream, archive_of, images_in, offer, quiet, serving

from cxrlab import sources
from cxrlab.case_files import read_cases
from cxrlab.cases import prepare
from cxrlab.cli import app
from cxrlab.data_status import describe
from cxrlab.designs import candidates
from cxrlab.files import read_json, workspace_root
from cxrlab.sources import (
    actualmed,
    covid,
    fetch_github,
    fetch_kermany,
    figure1,
    kermany,
    manifest,
    nih,
)
from cxrlab.sources.fetch_all import fetch
from cxrlab.sources.licences import TERMS

runner = CliRunner()


def test_fetch_all_brings_a_folder_that_the_course_works_through(upstream, phantom_data):
    done = runner.invoke(app, ["data", "fetch"])
    assert done.exit_code == 0, done.output
    folder = workspace_root() / "xrays"
    assert "cxrlab data use" in done.output
    ours, theirs = prepare(folder), prepare(phantom_data)
    assert ours.cases["label"].value_counts().to_dict() == (
        theirs.cases["label"].value_counts().to_dict()
    )
    assert set(ours.cases.loc[ours.cases["label"] == 1, "image_id"]) <= set(
        covid.load(phantom_data / covid.NAME)["image_id"]
    )
    # Nothing that the filters reject has travelled, nor any pneumonia.
    kept = ours.log.table().set_index("step")
    assert len(images_in(folder / covid.NAME)) == kept.loc["file is there", "after"].iloc[0]
    assert not [name for name in images_in(folder) if "PNEUMONIA" in name]
    external = sources.load_external(folder)
    assert set(external["source"]) == {actualmed.NAME, figure1.NAME}


def with_adults(upstream: Upstream, data: Path) -> Path:
    """The folder that is fetched where Actualmed has the adults of ``data``, and NIH is not."""
    children = sorted((data / kermany.NAME).rglob("NORMAL/*.*"))[:5]
    adults = sorted((data / nih.NAME).iterdir())
    upstream.add_external(*([path.read_bytes() for path in some] for some in (children, adults)))
    fetch("all", workspace_root() / "xrays", say=quiet)
    return workspace_root() / "xrays"


def test_a_fetched_folder_has_healthy_adults_from_the_external_sets(upstream, phantom_data):
    folder = with_adults(upstream, phantom_data)
    cases = candidates(folder).cases
    assert set(cases["source"]) == {covid.NAME, kermany.NAME, actualmed.NAME}
    assert set(cases.loc[cases["source"] != covid.NAME, "label"]) == {0}
    read = read_cases(folder)
    assert set(read["image_id"]) == set(cases["image_id"])
    status = describe(folder)
    (said,) = (line for line in status.advice if nih.NAME in line)
    assert actualmed.NAME in said and "stand in" in said
    (folder / nih.NAME).mkdir()
    shutil.copy(next((phantom_data / nih.NAME).iterdir()), folder / nih.NAME)
    assert set(candidates(folder).cases["source"]) == {covid.NAME, kermany.NAME, nih.NAME}


@pytest.mark.slow
def test_the_notebooks_work_through_a_fetched_folder(upstream, course_phantoms, monkeypatch):
    offer(upstream, course_phantoms, monkeypatch)
    folder = with_adults(upstream, course_phantoms)
    out = workspace_root() / "out"
    words = ["run", "--data", str(folder), "--budget", "smoke", "--notebooks", "02,06,07"]
    done = runner.invoke(app, [*words, "--out", str(out)])
    assert done.exit_code == 0, done.output
    page = (out / "06_what_did_it_learn.html").read_text()
    assert "Left out here: of this source only X-rays with COVID-19" in page


def test_a_second_fetch_asks_no_server_and_says_so(upstream, tmp_path):
    fetch("all", tmp_path / "x", say=quiet)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "x").rglob("*")}
    upstream.asked.clear()
    done = runner.invoke(app, ["data", "fetch", "all", "--data", str(tmp_path / "x")])
    assert done.exit_code == 0
    assert "Nothing to do" in done.output
    assert upstream.asked == []
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "x").rglob("*")}


def test_the_manifest_says_where_everything_came_from(upstream, tmp_path):
    report = fetch("all", tmp_path, say=quiet)
    entries = read_json(tmp_path / manifest.NAME)["sources"]
    assert set(entries) == {covid.NAME, kermany.NAME, actualmed.NAME, figure1.NAME}
    for name, entry in entries.items():
        there = images_in(tmp_path / name)
        assert sorted(entry["images"]) == there
        assert entry["files"] == len(there)
        assert entry["bytes"] == sum((tmp_path / name / image).stat().st_size for image in there)
    assert entries[kermany.NAME]["way"] == "remote archive"
    assert entries[kermany.NAME]["address"] == fetch_kermany.ARCHIVE
    assert entries[covid.NAME]["commit"] == fetch_github.REPOSITORIES[covid.NAME].commit
    assert sum(entry["travelled"] for entry in entries.values()) == report.travelled


def test_what_the_report_says_travelled_is_what_the_server_sent(upstream, tmp_path):
    report = fetch("all", tmp_path, say=quiet)
    assert report.travelled == upstream.sent


@pytest.mark.real
def test_real_xrays_travel_with_at_most_a_tenth_on_top(real_data, tmp_path, monkeypatch):
    with serving(Upstream()) as upstream:
        offer(upstream, real_data, monkeypatch)
        whole = archive_of(real_data / "chest_xray", others=5_600)  # 5,856 in all, about
        upstream.files[MENDELEY] = whole
        monkeypatch.setattr(fetch_kermany, "SIZE", len(whole))
        report = fetch("all", tmp_path, say=quiet)
        assert report.complete, report
        needed = sum((tmp_path / name).stat().st_size for name in images_in(tmp_path))
        overhead = upstream.sent / needed - 1
        print(f"{needed:,} bytes of images, {upstream.sent:,} sent, {100 * overhead:.1f} % on top")
        assert overhead <= 0.10
        assert prepare(tmp_path).cases["label"].value_counts().to_dict() == {0: 168, 1: 168}


def test_licences_and_sizes_are_said_before_an_image_is_asked_for(upstream, tmp_path):
    said, at = [], {}

    def say(sentence):
        said.append(sentence)
        at[sentence] = len(upstream.asked)

    fetch("all", tmp_path, say=say)
    first = min(n for n, path in enumerate(upstream.asked) if "/images/" in path)
    text = "\n".join(sentence for sentence in said if at[sentence] <= first)
    for name in (covid.NAME, kermany.NAME, actualmed.NAME):
        assert TERMS[name].allows in text
        assert TERMS[name].address in text
        assert f"{name} (" in text
    assert "images of the table are not in the repository" in text
    assert "Together:" in text
    assert "kB" in text or "MB" in text
    # A source that was fetched before is not explained again.
    (tmp_path / covid.NAME / "images").rename(tmp_path / "gone")
    said.clear()
    fetch("covid", tmp_path, say=say)
    assert TERMS[covid.NAME].allows not in "\n".join(said)
