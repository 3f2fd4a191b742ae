"""A made upstream for the tests of fetching: what the real servers serve, from a data folder."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

from bad_server import BadServer

from cxrlab.sources import covid, external, fetching, nih
from cxrlab.sources.fetching import REPOSITORIES

MENDELEY = "/" + fetching.MENDELEY.partition("://")[2]
NIH = "/" + fetching.NIH.partition("://")[2]
NLM = {name: "/" + external.URLS[name].partition("://")[2] for name in fetching.HOSPITALS}
IMAGES = (".png", ".jpg", ".jpeg", ".jfif")
HEAD = (
    "patientid,offset,sex,age,finding,survival,temperature,pO2 saturation,view,modality,"
    "{name}artifacts/distortion,notes"
)


class Upstream(BadServer):
    """Serves what is added under the real servers' names, as a mirror does."""

    def raw(self, name: str) -> str:
        """The path below which GitHub has the files of a source."""
        return "/raw.githubusercontent.com/{}/{}/".format(*REPOSITORIES[name])

    def listing(self, name: str) -> str:
        """The path at which GitHub gives the list of its images."""
        return "/api.github.com/repos/{}/git/trees/{}".format(*REPOSITORIES[name])

    def images_asked(self) -> list[str]:
        return [path for path in self.asked if path.lower().endswith(IMAGES)]

    def add_repository(self, name: str, table: bytes, images: dict[str, bytes]) -> None:
        """A repository of this source with its table, its images, and GitHub's list of them."""
        self.files[self.raw(name) + "metadata.csv"] = table
        self.add_files(name, {f"images/{image}": data for image, data in images.items()})

    def add_files(self, name: str, files: dict[str, bytes]) -> None:
        """Files of this source's repository, and GitHub's list of them."""
        tree = []
        for path, data in files.items():
            self.files[self.raw(name) + path] = data
            sha = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            tree.append({"path": path, "type": "blob", "sha": sha, "size": len(data)})
        self.files[self.listing(name)] = json.dumps({"sha": "0" * 40, "tree": tree}).encode()

    def take(self, data: Path) -> None:
        """The COVID-19 source and the archive of normal children from a data folder."""
        source = data / covid.NAME
        images = {path.name: path.read_bytes() for path in (source / "images").iterdir()}
        # A partial copy lists more than it has, and so does this repository.
        self.add_repository(covid.NAME, (source / "metadata.csv").read_bytes(), images)
        self.files[MENDELEY] = archive_of(data / "chest_xray")
        self.add_adults(sorted((data / nih.NAME).iterdir()))

    def add_adults(self, paths: list[Path]) -> None:
        """NIH's table and archives: each of these X-rays of a patient of its own, and more rows."""
        names = [f"{number:08}_000{path.suffix}" for number, path in enumerate(paths, start=1)]
        rows = [f"{name},No Finding,0,{name[:8]},45,F,PA,1,1,1,1" for name in names]
        ill, side, child, again = (rows[0].replace("_000", f"_00{n}") for n in range(1, 5))
        rows[:0] = [ill.replace("No Finding", "Mass"), side.replace("PA", "AP")]
        rows[:0] = [child.replace(",45,", ",17,")]
        head = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,"
        head += "View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
        self.files[f"{NIH}/{fetching.NIH_TABLE}"] = "\n".join([head, *rows, again]).encode()
        half = len(paths) // 2
        for part in range(1, 13):
            held = slice(0, half) if part == 1 else slice(half, None if part == 2 else half)
            data = io.BytesIO()
            with zipfile.ZipFile(data, "w") as archive:
                archive.writestr("images/00000001_001.png", b"of somebody ill")
                for path, name in zip(paths[held], names[held], strict=True):
                    archive.write(path, f"images/{name}")
            self.files[f"{NIH}/images/images_{part:03}.zip"] = data.getvalue()

    def add_elsewhere(self, images: list[bytes]) -> None:
        """OpenIST, COVID-CXNet, and both sets with tuberculosis, in miniature."""
        place, names = "Datasets/Chest_x-ray", ["1-10-500.jpg", "1-10-500@.png"]
        names += ["2-11-500.jpg", "2-11-500@.png", "../../evil.jpg"]
        files = {f"{place}/{name}": image for name, image in zip(names, images, strict=True)}
        self.add_files("openist", files | {"README.md": b"tools", "1.jpg": images[0]})
        place, names = "chest_xray_images", ["009.jpg", "296-.jpg", "455p.jpg", "251.jfif"]
        files = {f"{place}/covid19/{name}": images[n] for n, name in enumerate(names)}
        self.add_files("covid-cxnet", files | {f"{place}/normal/1.jpg": images[0]})
        for name, place in NLM.items():
            for number, xray in enumerate(external.names_of(name)):
                said = f"Patient's Sex: F\nPatient's Age: {number % 60:03}Y\nnormal"
                said = f"male {number % 60}yrs\nnormal" if name == "shenzhen" else said
                self.files[f"{place}/{external.reading_path(xray).as_posix()}"] = said.encode()
                self.files[f"{place}/{xray}"] = images[number % len(images)]

    def add_external(self, images: list[bytes], adults: list[bytes] | None = None) -> None:
        """Actualmed and Figure 1 in miniature, in the columns of the real ones.

        ``adults``: more frontal X-rays without a finding for Actualmed, each of another patient.
        """
        rows = [HEAD.format(name="imagename,")]
        rows += ["ANON1,,,,COVID-19,,,,PA,X-ray,CR.1.png,,positive"]
        rows += ["ANON1,,,,,,,,PA,X-ray,CR.2.png,,Inconclusive"]
        rows += ["ANON2,,,,No finding,,,,AP,X-ray,CR.3.png,,Negative"]
        files = dict(zip(["CR.1.png", "CR.2.png", "CR.3.png"], images, strict=False))
        for number, image in enumerate(adults or [], start=10):
            view = "AP" if number % 2 else "PA"
            rows += [f"ANON{number},,,,No finding,,,,{view},X-ray,CR.{number}.png,,Negative"]
            files[f"CR.{number}.png"] = image
        self.add_repository(covid.ACTUALMED, "\n".join(rows).encode(), files)
        rows = [HEAD.format(name="")]
        rows += ["COVID-00003a,8,M,28,COVID-19,,39.1,90,AP erect,X-ray,,"]
        rows += ["COVID-00003b,8,M,28,COVID-19,,39.1,90,AP erect,X-ray,,intubated – later"]
        rows += ["COVID-00028,,,50+,No finding,,,,,X-ray,,labeled normal patient"]
        rows += ["COVID-00031,,,,Pneumonia,,,,,X-ray,,labeled pneumonia"]
        names = ["COVID-00003a.jpg", "COVID-00003b.png", "COVID-00028.jpg", "COVID-00031.jpg"]
        table = "\n".join(rows).encode("cp1252")
        self.add_repository(covid.FIGURE1, table, dict(zip(names, images, strict=False)))


def archive_of(folder: Path) -> bytes:
    """A zip of this ``chest_xray`` in Mendeley's layout, litter included."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*.*")):
            name = path.relative_to(folder).as_posix()
            archive.write(path, f"chest_xray/{name}")
            archive.writestr(f"__MACOSX/chest_xray/{Path(name).parent}/._{path.name}", b"litter")
    return data.getvalue()


def offer(upstream: Upstream, data: Path, monkeypatch) -> Upstream:
    """This upstream with what a data folder has, in the place of every real server."""
    upstream.take(data)
    pictures = sorted((data / "chest_xray").rglob("NORMAL/*.*"))[:5]
    upstream.add_external([path.read_bytes() for path in pictures])
    upstream.add_elsewhere([path.read_bytes() for path in pictures])
    monkeypatch.setenv("CXRLAB_MIRROR", upstream.root)
    monkeypatch.setattr(fetching, "ATTACHED", data / "nothing-attached")
    return upstream


def images_in(folder: Path) -> list[Path]:
    """The images below a folder."""
    return sorted(path for path in folder.rglob("*.*") if path.suffix.lower() in IMAGES)
