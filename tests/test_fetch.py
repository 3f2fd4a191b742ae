"""``cxrlab data fetch`` against a made upstream: what it takes, says, refuses and writes down."""

from __future__ import annotations

import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from typer.testing import CliRunner
from upstream import MENDELEY, Upstream, archive_of, images_in, offer, quiet

from cxrlab import sources
from cxrlab.case_files import read_cases
from cxrlab.cases import prepare
from cxrlab.cli import app
from cxrlab.data_status import describe, fetched_state
from cxrlab.designs import candidates
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json, workspace_root
from cxrlab.sources import covid, download, external, fetching, kermany, manifest, nih
from cxrlab.sources.fetching import fetch_sources
from cxrlab.sources.licences import TERMS

runner = CliRunner()


# --- the whole way ---------------------------------------------------------------------------


def test_fetch_all_brings_a_folder_that_the_course_works_through(upstream, phantom_data):
    done = runner.invoke(app, ["data", "fetch"])
    assert done.exit_code == 0, done.output
    folder = workspace_root() / "xrays"
    assert "cxrlab data use" in done.output
    ours, theirs = prepare(folder), prepare(phantom_data)
    assert ours.cases["label"].value_counts().to_dict() == (
        theirs.cases["label"].value_counts().to_dict()
    )
    # Nothing that the filters reject has travelled, nor any pneumonia.
    kept = ours.log.table().set_index("step")
    assert len(images_in(folder / covid.NAME)) == kept.loc["file is there", "after"].iloc[0]
    assert not [name for name in images_in(folder) if "PNEUMONIA" in name]


def test_a_second_fetch_asks_no_server_and_says_so(upstream, tmp_path):
    fetch_sources("all", tmp_path / "x", say=quiet)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "x").rglob("*")}
    upstream.behave()
    done = runner.invoke(app, ["data", "fetch", "all", "--data", str(tmp_path / "x")])
    assert done.exit_code == 0
    assert "Nothing to do" in done.output
    assert upstream.asked == []
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "x").rglob("*")}


def test_the_manifest_says_where_everything_came_from(upstream, tmp_path):
    fetch_sources("all", tmp_path, say=quiet)
    entries = read_json(tmp_path / manifest.NAME)["sources"]
    assert set(entries) == {covid.NAME, kermany.NAME, external.ACTUALMED, external.FIGURE1}
    for name, entry in entries.items():
        assert sorted(entry["images"]) == images_in(tmp_path / name)
    assert entries[kermany.NAME]["address"] == fetching.ARCHIVE
    assert entries[covid.NAME]["commit"] == fetching.REPOSITORIES[covid.NAME][1]


def test_licences_and_sizes_are_said_before_an_image_is_asked_for(upstream, tmp_path):
    said = []
    fetch_sources("all", tmp_path, say=lambda text: said.append((text, upstream.images_asked())))
    assert not any(asked for _, asked in said)
    text = "\n".join(sentence for sentence, _ in said)
    for name in (covid.NAME, kermany.NAME, external.ACTUALMED):
        assert TERMS[name].allows in text
        assert TERMS[name].citation in text
        assert f"{name} (re" in text and "to come, " in text
    # A source that was fetched before is not explained again.
    (tmp_path / covid.NAME / "images").rename(tmp_path / "gone")
    fetch_sources("covid", tmp_path, say=(again := []).append)
    assert TERMS[covid.NAME].allows not in "\n".join(again)


@pytest.mark.real
def test_of_real_xrays_little_more_travels_than_what_is_needed(real_data, tmp_path, monkeypatch):
    with Upstream() as upstream:
        offer(upstream, real_data, monkeypatch)
        whole = archive_of(real_data / "chest_xray", others=5_600)  # 5,856 in all, about
        upstream.files[MENDELEY] = whole
        monkeypatch.setattr(fetching, "SIZE", len(whole))
        report = fetch_sources("all", tmp_path, say=quiet)
        assert report.complete, report
        needed = sum((tmp_path / name).stat().st_size for name in images_in(tmp_path))
        # The directory of the archive travels once and once for each thread, 1.3 MB each.
        assert upstream.sent - needed < 8_000_000
        assert prepare(tmp_path).cases["label"].value_counts().to_dict() == {0: 168, 1: 168}


# --- external sets, and whom they stand in for -----------------------------------------------


def with_adults(upstream: Upstream, data: Path) -> Path:
    """The folder that is fetched where Actualmed has the adults of ``data``, and NIH is not."""
    children = sorted((data / kermany.NAME).rglob("NORMAL/*.*"))[:5]
    adults = sorted((data / nih.NAME).iterdir())
    upstream.add_external(*([path.read_bytes() for path in some] for some in (children, adults)))
    fetch_sources("all", workspace_root() / "xrays", say=quiet)
    return workspace_root() / "xrays"


def test_a_fetched_folder_has_healthy_adults_from_the_external_sets(upstream, phantom_data):
    folder = with_adults(upstream, phantom_data)
    cases = candidates(folder).cases
    assert set(cases["source"]) == {covid.NAME, kermany.NAME, external.ACTUALMED}
    assert set(cases.loc[cases["source"] != covid.NAME, "label"]) == {0}
    assert set(read_cases(folder)["image_id"]) == set(cases["image_id"])
    (said,) = (line for line in describe(folder).advice if nih.NAME in line)
    assert external.ACTUALMED in said and "stand in" in said
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


def test_external_sets_are_catalogs(upstream, tmp_path):
    fetch_sources("external", tmp_path, say=quiet)
    figure = external.load_figure1(tmp_path / external.FIGURE1).set_index("image_id")
    names = [f"{external.FIGURE1}/COVID-0000{one}" for one in ("3a.jpg", "3b.png")]
    pair = figure.loc[names]
    assert set(pair["patient_id"]) == {f"{external.FIGURE1}/COVID-00003"}
    assert pair["path"].map(lambda path: Path(path).is_file()).all()
    assert "–" in pair["notes"].iloc[1]  # the table is not UTF-8
    assert pd.isna(figure["age"].iloc[2])  # 50+
    ours = external.load_actualmed(tmp_path / external.ACTUALMED)
    assert ours["finding"].fillna("").tolist() == ["COVID-19", "", "No finding"]
    assert ours["license"].notna().all()
    # The inconclusive one, and pneumonia, have not travelled.
    assert not Path(ours["path"].iloc[1]).is_file()
    assert len(describe(tmp_path).sources) == 5


# --- which images, and over which way --------------------------------------------------------


def test_a_limit_takes_that_many_per_source_and_a_larger_one_keeps_them(upstream, tmp_path):
    fetch_sources("all", tmp_path, limit=3, say=quiet)
    few = images_in(tmp_path)
    assert len(images_in(tmp_path / covid.NAME)) == len(images_in(tmp_path / kermany.NAME)) == 3
    upstream.behave()
    fetch_sources("all", tmp_path, limit=5, say=quiet)
    assert len(images_in(tmp_path / covid.NAME)) == len(images_in(tmp_path / kermany.NAME)) == 5
    assert set(few) <= set(images_in(tmp_path))
    assert sum(upstream.raw(covid.NAME) in path for path in upstream.images_asked()) == 2


def test_the_order_is_no_alphabet_and_does_not_depend_on_the_others():
    names = [f"IM-{n:04d}-0001.jpeg" for n in range(200)]
    order = fetching.in_stable_order(names)
    assert order == fetching.in_stable_order(reversed(names))
    assert fetching.in_stable_order(names[::2]) == [name for name in order if name in names[::2]]
    first = [int(name[3:7]) for name in order[:50]]
    assert 70 < sum(first) / 50 < 130  # a sample of the whole, not its beginning


def test_the_same_file_twice_in_the_archive_is_taken_once(upstream, phantom_data, monkeypatch):
    normal = next((phantom_data / "chest_xray").rglob("train/NORMAL/*"))
    upstream.files[MENDELEY] = archive_of(phantom_data / "chest_xray", again=normal.name)
    monkeypatch.setattr(fetching, "SIZE", len(upstream.files[MENDELEY]))
    folder = fetch_sources("kermany", say=quiet).folder / kermany.NAME
    contents = [(folder / name).read_bytes() for name in images_in(folder)]
    assert len(contents) == len(set(contents)) > 10


def test_kaggle_a_copy_and_mendeley_give_the_same_xrays(upstream, phantom_data, tmp_path):
    zipped = tmp_path / "ChestXRay2017.zip"
    zipped.write_bytes(upstream.files[MENDELEY])
    found, ways = [], []
    for archive in (None, zipped, phantom_data / "chest_xray"):
        folder = tmp_path / str(len(found))
        report = fetch_sources("kermany", folder, limit=12, archive=archive, say=quiet)
        assert report.complete, report
        found.append(images_in(folder / "chest_xray"))
        ways.append(manifest.read(folder)[kermany.NAME]["way"])
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 12
    assert ways == ["remote archive", "local archive", "local folder"]


def test_what_kaggle_attached_comes_first_and_is_copied(
    upstream, phantom_data, tmp_path, monkeypatch
):
    attached = tmp_path / "input" / "chest-xray-pneumonia"
    shutil.copytree(phantom_data / "chest_xray", attached / "chest_xray")
    monkeypatch.setattr(fetching, "ATTACHED", tmp_path / "input")
    fetch_sources("kermany", tmp_path / "x", limit=4, say=quiet)
    assert MENDELEY not in upstream.asked
    assert manifest.read(tmp_path / "x")[kermany.NAME]["way"] == "attached folder"
    there = [tmp_path / "x" / name for name in images_in(tmp_path / "x")]
    assert len(there) == 4
    assert not any(path.is_symlink() for path in there)


@pytest.mark.parametrize("why", ["gone", "changed"])
def test_kagglehub_is_the_second_way_and_the_reason_is_said(
    upstream, phantom_data, tmp_path, monkeypatch, why
):
    if why == "gone":
        del upstream.files[MENDELEY]
    else:
        upstream.files[MENDELEY] += b"more"
    hub = SimpleNamespace(dataset_download=lambda handle: str(phantom_data))
    monkeypatch.setitem(sys.modules, "kagglehub", hub)
    report = fetch_sources("kermany", tmp_path, limit=4, say=(said := []).append)
    assert report.complete
    text = "\n".join(said)
    assert "over the remote archive did not work" in text
    assert ("is not there" if why == "gone" else "has changed at its source") in text
    assert manifest.read(tmp_path)[kermany.NAME]["way"] == "kagglehub"


def test_no_token_is_printed_when_kaggle_refuses(upstream, tmp_path, monkeypatch):
    del upstream.files[MENDELEY]

    def refuse(handle):
        raise RuntimeError("401 for https://reader:s3cr3t@kaggle.example/api?token=s3cr3t")

    monkeypatch.setitem(sys.modules, "kagglehub", SimpleNamespace(dataset_download=refuse))
    done = runner.invoke(app, ["data", "fetch", "kermany", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "--archive" in done.output  # what to do by hand
    assert "RuntimeError" in done.output
    assert "s3cr3t" not in done.output


# --- what fails ------------------------------------------------------------------------------


def test_what_fails_is_listed_the_rest_kept_and_a_rerun_completes(upstream, tmp_path):
    fetch_sources("covid", tmp_path / "first", say=quiet)
    name = images_in(tmp_path / "first")[0].rpartition("/")[2]
    image = f"{upstream.raw(covid.NAME)}images/{name}"
    upstream.misbehave(image, "missing")
    folder = tmp_path / "x"
    done = runner.invoke(app, ["data", "fetch", "--data", str(folder)])
    assert done.exit_code == 1
    assert "1 failure" in done.output and name in done.output
    assert "Run the same once more" in done.output
    assert "1 of" in " ".join(fetched_state(folder))
    assert len(images_in(folder / kermany.NAME)) > 10
    upstream.behave()
    done = runner.invoke(app, ["data", "fetch", "--data", str(folder)])
    assert done.exit_code == 0
    assert upstream.images_asked() == [image]


def test_another_file_under_the_name_of_an_image_is_refused(upstream, tmp_path):
    fetch_sources("covid", tmp_path / "first", say=quiet)
    one, other = list((tmp_path / "first" / covid.NAME / "images").iterdir())[:2]
    data = other.read_bytes()[: one.stat().st_size].ljust(one.stat().st_size, b"x")
    upstream.misbehave(f"{upstream.raw(covid.NAME)}images/{one.name}", "another", data=data)
    report = fetch_sources("covid", tmp_path / "second", say=quiet)
    (reason,) = report.failed[covid.NAME]
    assert one.name in reason and "is not the file that the repository lists" in reason
    assert not (tmp_path / "second" / covid.NAME / "images" / one.name).exists()


def test_one_source_out_of_reach_does_not_stop_the_others(upstream, tmp_path):
    upstream.misbehave(upstream.raw(external.ACTUALMED) + "metadata.csv", "missing")
    report = fetch_sources("all", tmp_path, say=quiet)
    assert list(report.failed) == [external.ACTUALMED]
    assert images_in(tmp_path / covid.NAME)
    assert images_in(tmp_path / external.FIGURE1)


def test_without_githubs_list_content_is_checked_by_decoding(upstream, tmp_path):
    for name in (covid.NAME, external.FIGURE1):
        upstream.misbehave(upstream.listing(name), "forbidden")
    report = fetch_sources("all", tmp_path, say=quiet)
    assert "60 lists an hour" in report.failed[external.FIGURE1][0]
    # One phantom is cut short, and without a hash nobody can say that the source has it so.
    assert "truncated" in " ".join(report.failed[covid.NAME])
    assert not describe(tmp_path).problems["reason"].eq("truncated").any()


def test_a_disk_that_is_too_small_is_told_before_an_image_is_asked_for(
    upstream, tmp_path, monkeypatch
):
    free = SimpleNamespace(free=download.SPARE + 10)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: free)
    done = runner.invoke(app, ["data", "fetch", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "to spare" in done.output
    assert not upstream.images_asked()


def test_without_a_connection_every_source_says_so(upstream, tmp_path, monkeypatch):
    monkeypatch.setenv("CXRLAB_MIRROR", "http://127.0.0.1:9")  # nobody listens there
    done = runner.invoke(app, ["data", "fetch", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert all(name in done.output for name in (covid.NAME, kermany.NAME, external.ACTUALMED))
    assert "cannot be reached" in done.output and "Traceback" not in done.output
    assert not manifest.read(tmp_path)


def test_two_fetches_at_once_bring_everything_once(upstream, tmp_path):
    said = []
    meet = threading.Barrier(2)

    def one():
        meet.wait()
        return fetch_sources("covid", tmp_path / "x", say=said.append)

    with ThreadPoolExecutor(2) as pool:
        reports = [job.result() for job in [pool.submit(one) for _ in range(2)]]
    images = upstream.images_asked()
    assert len(images) == len(set(images)) == len(images_in(tmp_path / "x"))
    assert sorted(report.new for report in reports) == [0, len(images)]
    assert all(report.complete for report in reports)
    assert any("Waiting until it is done" in sentence for sentence in said)


def test_a_fetch_that_was_stopped_goes_on(upstream, tmp_path, monkeypatch):
    def stop_after_five(path, data):
        write(path, data)
        if len(images_in(tmp_path)) >= 5:
            raise KeyboardInterrupt

    write = download.write
    monkeypatch.setattr(download, "write", stop_after_five)
    with pytest.raises(KeyboardInterrupt):
        fetch_sources("covid", tmp_path, say=quiet)
    monkeypatch.setattr(download, "write", write)
    there = {Path(name).name for name in images_in(tmp_path)}
    upstream.behave()
    assert fetch_sources("covid", tmp_path, say=quiet).complete
    assert 5 <= len(there) < len(images_in(tmp_path))
    assert not there & {Path(path).name for path in upstream.images_asked()}


# --- strangers and wrong choices -------------------------------------------------------------


def test_a_table_can_name_no_path_and_no_address(upstream, tmp_path):
    picture = next(
        data for path, data in upstream.files.items() if path.endswith("COVID-00003a.jpg")
    )
    row = "9,,M,50,COVID-19,PA,X-ray,{},{}"
    rows = ["patientid,offset,sex,age,finding,view,modality,folder,filename"]
    evil = ["../../evil.png", "/etc/evil.png", "..\\evil.png", "C:evil.png"]
    evil += ["http://127.0.0.1/evil.png", "images/../../evil.png"]
    rows += [row.format("images", name) for name in evil]
    rows += [row.format("../..", "evil.png"), row.format("annotations", "evil.png")]
    odd = "a b?x=1#y%2e é.png" if sys.platform != "win32" else "a b#y%2e é.png"
    rows += [row.format("images", odd)]
    upstream.add_repository(covid.NAME, "\n".join(rows).encode(), {odd: picture})
    upstream.misbehave(upstream.listing(covid.NAME), "forbidden")
    folder = tmp_path / "deep" / "x"
    report = fetch_sources("covid", folder, say=quiet)
    assert report.complete, report
    assert images_in(tmp_path) == [f"deep/x/{covid.NAME}/images/{odd}"]
    assert upstream.images_asked() == [f"{upstream.raw(covid.NAME)}images/{odd}"]


def test_an_archive_cannot_write_beside_the_folder(upstream, tmp_path):
    fetch_sources("kermany", tmp_path / "x", say=quiet)
    assert not list(tmp_path.rglob("evil*"))
    assert not [name for name in images_in(tmp_path) if "._" in name or "MACOSX" in name]


@pytest.mark.parametrize(
    ("inside", "name"),
    [
        ("chest_xray/train/NORMAL/IM-1.jpeg", "train/NORMAL/IM-1.jpeg"),
        ("a/b/TEST/normal/IM-1.PNG", "test/NORMAL/IM-1.PNG"),
        ("train/PNEUMONIA/IM-1.jpeg", None),
        ("../train/NORMAL/IM-1.jpeg", None),
        ("/train/NORMAL/IM-1.jpeg", None),
        ("C:/train/NORMAL/IM-1.jpeg", None),
        ("..\\x/train/NORMAL/IM-1.jpeg", None),
        ("train/NORMAL/../IM-1.jpeg", None),
        ("__MACOSX/train/NORMAL/._IM-1.jpeg", None),
        ("train/NORMAL/", None),
    ],
)
def test_which_members_of_an_archive_are_normal_xrays(inside, name):
    assert fetching.normal_name(inside) == name


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
        sources.fetch(data=tmp_path, **choices)


def test_a_wrong_folder_or_archive_is_a_sentence(upstream, phantom_data, tmp_path):
    with pytest.raises(CXRLabError, match="holds phantoms"):
        sources.fetch("covid", phantom_data)
    (tmp_path / "x").write_text("a file")
    with pytest.raises(CXRLabError, match="Choose a folder"):
        sources.fetch("covid", tmp_path / "x")
    report = fetch_sources("kermany", tmp_path / "y", archive=tmp_path / "none", say=quiet)
    assert "neither a file nor a folder" in str(report)
    fetch_sources("kermany", tmp_path / "y", archive=tmp_path / "x", say=(said := []).append)
    assert "is damaged, or did not come whole" in "\n".join(said)


# --- what is known afterwards ----------------------------------------------------------------


def test_status_tells_complete_short_and_stale(upstream, tmp_path):
    fetch_sources("covid", tmp_path, say=quiet)
    assert "complete as fetched" in fetched_state(tmp_path)[0]
    image = next((tmp_path / covid.NAME / "images").iterdir())
    data = image.read_bytes()
    image.write_bytes(data[:-1])
    assert "1 of" in fetched_state(tmp_path)[0]
    image.write_bytes(data)
    table = upstream.files[upstream.raw(covid.NAME) + "metadata.csv"]
    upstream.add_repository(covid.NAME, table.replace(b"\n", b"\r\n"), {image.name: data}, "older")
    report = fetch_sources("covid", tmp_path, commit="older", say=quiet)
    assert report.complete, report
    assert b"\r\n" in (tmp_path / covid.NAME / "metadata.csv").read_bytes()
    shown = runner.invoke(app, ["data", "status", "--data", str(tmp_path)])
    assert "another state" in " ".join(shown.output.split())


def test_a_manifest_that_is_damaged_or_made_up_does_no_harm(tmp_path):
    for text in ("", "[]", '{"sources": 3}', '{"sources": {"x": {"images": 1}}}', "\x00"):
        (tmp_path / manifest.NAME).write_text(text)
        assert manifest.read(tmp_path) == {}
        assert fetched_state(tmp_path) == []


def test_cite_prints_what_the_folder_asks_for(tmp_path):
    every = runner.invoke(app, ["data", "cite"])
    assert all(terms.citation in every.output for terms in TERMS.values())
    (tmp_path / kermany.NAME).mkdir()
    one = runner.invoke(app, ["data", "cite", "--data", str(tmp_path)])
    assert "10.17632/rscbjbr9sj.2" in one.output
    assert "arxiv" not in one.output.lower()


def test_use_is_remembered_and_phantom_goes_back(tmp_path, monkeypatch):
    monkeypatch.delenv("CXRLAB_DATA", raising=False)
    assert runner.invoke(app, ["data", "use", str(tmp_path)]).exit_code == 0
    assert sources.data_folder() == tmp_path.resolve()
    assert "phantoms" in runner.invoke(app, ["data", "use", "phantom"]).output
    missing = runner.invoke(app, ["data", "use", str(tmp_path / "none")])
    assert missing.exit_code == 1
