"""``cxrlab data fetch`` against a made upstream: what travels, what lies there, what is said."""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from typer.testing import CliRunner
from upstream import MENDELEY, Upstream, archive_of, serving

from cxrlab import sources
from cxrlab.case_files import read_cases
from cxrlab.cases import prepare
from cxrlab.catalog.schema import COLUMNS
from cxrlab.cli import app
from cxrlab.data_status import describe, fetched_state
from cxrlab.designs import candidates
from cxrlab.errors import CXRLabError
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
from cxrlab.sources.plans import in_stable_order

runner = CliRunner()


def offer(upstream: Upstream, data: Path, monkeypatch) -> Upstream:
    upstream.take(data)
    pictures = sorted((data / "chest_xray").rglob("NORMAL/*.*"))[:5]
    upstream.add_external([path.read_bytes() for path in pictures])
    monkeypatch.setenv("CXRLAB_MIRROR", upstream.address)
    monkeypatch.setattr(fetch_kermany, "SIZE", len(upstream.files[MENDELEY]))
    monkeypatch.setattr(fetch_kermany, "ATTACHED", data / "nothing-attached")
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    return upstream


@pytest.fixture
def upstream(phantom_data, monkeypatch):
    with serving(Upstream()) as served:
        yield offer(served, phantom_data, monkeypatch)


def images_in(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.*")
        if path.suffix.lower() in (".png", ".jpg", ".jpeg")
    )


def quiet(*_) -> None:
    pass


# --- the whole way -----------------------------------------------------------------------------


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


# --- what is said before -----------------------------------------------------------------------


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


# --- which images ------------------------------------------------------------------------------


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


# --- ways to the normal X-rays -------------------------------------------------------------------


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


# --- faults ------------------------------------------------------------------------------------


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


# --- nothing trusted ---------------------------------------------------------------------------

ROW = "9,,M,50,COVID-19,PA,X-ray,{},{}"


def test_a_table_can_name_no_path_and_no_address(upstream, tmp_path):
    picture = next(
        data for path, data in upstream.files.items() if path.endswith("COVID-00003a.jpg")
    )
    rows = ["patientid,offset,sex,age,finding,view,modality,folder,filename"]
    evil = ["../../evil.png", "/etc/evil.png", "..\\evil.png", "C:evil.png"]
    evil += ["http://127.0.0.1/evil.png", "images/../../evil.png"]
    rows += [ROW.format("images", name) for name in evil]
    rows += [ROW.format("../..", "evil.png"), ROW.format("annotations", "evil.png")]
    odd = "a b?x=1#y%2e é.png"
    rows += [ROW.format("images", odd)]
    upstream.add_repository(covid.NAME, "\n".join(rows).encode(), {odd: picture})
    upstream.broken[upstream.listing(covid.NAME)] = (403, b"")
    folder = tmp_path / "deep" / "x"
    report = fetch("covid", folder, say=(said := []).append)
    assert report.complete, report
    assert images_in(tmp_path) == [f"deep/x/{covid.NAME}/images/{odd}"]
    asked = [path for path in upstream.asked if "metadata.csv" not in path and "api." not in path]
    assert asked == [f"{upstream.raw(covid.NAME)}images/{odd}"]
    assert "8 rows have no file name or an unsafe one" in "\n".join(said)


def test_an_archive_cannot_write_beside_the_folder(upstream, tmp_path):
    fetch("kermany", tmp_path / "x", say=quiet)
    assert not list(tmp_path.rglob("evil*"))
    assert not [name for name in images_in(tmp_path) if "._" in name or "MACOSX" in name]


def test_phantoms_are_not_mixed_with_real_xrays(upstream, phantom_data):
    with pytest.raises(CXRLabError, match="holds phantoms"):
        fetch("covid", phantom_data)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"what": "mimic"}, "cannot be fetched"),
        ({"limit": 0}, "at least 1"),
        ({"what": "covid", "archive": "x.zip"}, "kermany"),
        ({"what": "kermany", "commit": "master"}, "covid"),
    ],
)
def test_a_wrong_choice_is_a_sentence(tmp_path, choices, message):
    with pytest.raises(CXRLabError, match=message):
        fetch(data=tmp_path, **choices)


def test_a_file_in_the_folder_s_place_is_a_sentence(tmp_path):
    (tmp_path / "x").write_text("a file")
    with pytest.raises(CXRLabError, match="Choose a folder"):
        fetch("covid", tmp_path / "x")


# --- state, another commit, terms, choice ------------------------------------------------------


def test_status_tells_complete_short_and_stale(upstream, tmp_path, monkeypatch):
    fetch("covid", tmp_path, say=quiet)
    assert "complete as fetched" in fetched_state(tmp_path)[0]
    image = next((tmp_path / covid.NAME / "images").iterdir())
    data = image.read_bytes()
    image.write_bytes(data[:-1])
    assert "1 of" in fetched_state(tmp_path)[0]
    image.write_bytes(data)
    other = upstream.raw(covid.NAME, "older") + "metadata.csv"
    table = upstream.files[upstream.raw(covid.NAME) + "metadata.csv"]
    upstream.add_repository(covid.NAME, table.replace(b"\n", b"\r\n"), {image.name: data}, "older")
    assert other in upstream.files
    report = fetch("covid", tmp_path, commit="older", say=quiet)
    assert report.complete, report
    assert b"\r\n" in (tmp_path / covid.NAME / "metadata.csv").read_bytes()
    assert "another state" in fetched_state(tmp_path)[0]
    shown = runner.invoke(app, ["data", "status", "--data", str(tmp_path)])
    assert "another state" in " ".join(shown.output.split())


def test_a_manifest_that_is_damaged_or_made_up_does_no_harm(tmp_path):
    for text in ("", "[]", '{"sources": 3}', '{"sources": {"x": {"images": 1}}}', "\x00"):
        (tmp_path / manifest.NAME).write_text(text)
        assert manifest.read(tmp_path) == {}
        assert fetched_state(tmp_path) == []


def test_cite_prints_what_the_folder_asks_for(tmp_path):
    every = runner.invoke(app, ["data", "cite"])
    assert all(terms.address in every.output for terms in TERMS.values())
    (tmp_path / kermany.NAME).mkdir()
    one = runner.invoke(app, ["data", "cite", "--data", str(tmp_path)])
    assert "10.17632/rscbjbr9sj.2" in one.output
    assert "arxiv" not in one.output.lower()


def test_use_is_remembered_and_phantom_goes_back(tmp_path, monkeypatch):
    monkeypatch.delenv("CXRLAB_DATA", raising=False)
    assert runner.invoke(app, ["data", "use", str(tmp_path)]).exit_code == 0
    assert sources.data_folder() == tmp_path.resolve()
    assert runner.invoke(app, ["data", "use", "phantom"]).exit_code == 0
    assert "phantoms" in runner.invoke(app, ["data", "use", "phantom"]).output
    missing = runner.invoke(app, ["data", "use", str(tmp_path / "none")])
    assert missing.exit_code == 1


# --- the external sources as catalogs ----------------------------------------------------------


def test_external_sets_are_catalogs(upstream, tmp_path):
    fetch("external", tmp_path, say=quiet)
    table = sources.load_external(tmp_path)
    assert list(table.columns[: len(COLUMNS)]) == list(COLUMNS)
    assert table["license"].notna().all()
    figure = table[table["source"] == figure1.NAME].set_index("image_id")
    pair = figure.loc[[f"{figure1.NAME}/COVID-00003a.jpg", f"{figure1.NAME}/COVID-00003b.png"]]
    assert set(pair["patient_id"]) == {f"{figure1.NAME}/COVID-00003"}
    assert pair["path"].map(lambda path: Path(path).is_file()).all()
    assert "–" in pair["notes"].iloc[1]  # the table is not UTF-8
    ours = table[table["source"] == actualmed.NAME]
    assert ours["finding"].fillna("").tolist() == ["COVID-19", "", "No finding"]
    # The inconclusive one, and pneumonia, have not travelled.
    assert not Path(ours["path"].iloc[1]).is_file()
    assert pd.isna(figure["age"].iloc[2])  # 50+
    assert len(describe(tmp_path).sources) == 5


def test_a_patient_number_of_figure_1_cannot_leave_the_folder(tmp_path):
    folder = tmp_path / figure1.NAME
    (folder / "images").mkdir(parents=True)
    (folder / "metadata.csv").write_text(
        "patientid,finding,view,modality\n../../x,COVID-19,PA,X-ray\n,COVID-19,PA,X-ray\n"
    )
    table = figure1.load(folder)
    assert table["path"].isna().all()
    assert table["problem"].tolist() == [covid.UNSAFE, covid.UNNAMED]


def test_no_external_set_is_a_sentence(tmp_path):
    with pytest.raises(CXRLabError, match="data fetch external"):
        sources.load_external(tmp_path)
