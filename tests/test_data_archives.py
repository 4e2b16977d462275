"""Archives and downloads: unpacked safely, fetched once, whole or not at all."""

import hashlib
import io
import json
import tarfile
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import acrima
import hygd
import mednist
import preparing.fetch
import pytest
from preparing.archive import unpack
from preparing.cli import run
from preparing.fetch import fetch, fetch_listed
from test_data_scripts import left_behind, line, make_mednist
from test_eye_scripts import make_acrima, make_hygd

from lookinside.data import load_images
from lookinside.errors import LookInsideError


def packed(folder: Path, target: Path) -> Path:
    if target.suffix == ".zip":
        with zipfile.ZipFile(target, "w") as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, path.relative_to(folder.parent))
    else:
        with tarfile.open(target, "w:gz") as archive:
            archive.add(folder, folder.name)
    return target


@pytest.mark.parametrize("name", ["MedNIST.zip", "MedNIST.tar.gz"])
def test_a_set_from_an_archive(tmp_path, name):
    archive = packed(make_mednist(tmp_path / "MedNIST"), tmp_path / name)
    assert run(mednist.CARD, ["--from", str(archive), "--out", str(tmp_path / "data/mednist")]) == 0
    assert len(load_images(tmp_path / "data/mednist", "train", 64)) == 18
    assert left_behind(tmp_path / "data") == ["mednist"]
    text = (tmp_path / "data/mednist/dataset.json").read_text()
    assert hashlib.sha256(archive.read_bytes()).hexdigest() in text


def bad_zip(path: Path, name: str, link=False) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good.txt", "good")
        entry = zipfile.ZipInfo(name)
        entry.filename = name
        if link:
            entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "target")
    return path


def bad_tar(path: Path, name: str, kind=tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        good, bad = tarfile.TarInfo("good.txt"), tarfile.TarInfo(name)
        good.size = 4
        archive.addfile(good, io.BytesIO(b"good"))
        bad.type, bad.linkname = kind, "/etc"
        archive.addfile(bad, io.BytesIO())
    return path


@pytest.mark.parametrize("name", ["../out.txt", "a/../../out.txt", "/tmp/out.txt", "..\\out.txt", "C:/out.txt"])
@pytest.mark.parametrize("make", [bad_zip, bad_tar])
def test_an_entry_that_leaves_its_folder_is_refused_by_name(tmp_path, make, name):
    archive = make(tmp_path / ("a.zip" if make is bad_zip else "a.tar.gz"), name)
    (tmp_path / "in").mkdir()
    with pytest.raises(LookInsideError) as caught:
        unpack(archive, tmp_path / "in")
    assert f"entry {name!r} would leave its folder" in str(caught.value)
    assert left_behind(tmp_path / "in") == []  # not even the good entry
    assert left_behind(tmp_path) == [archive.name, "in"]


def test_links_are_refused(tmp_path):
    for archive in (
        bad_zip(tmp_path / "a.zip", "link", link=True),
        bad_tar(tmp_path / "a.tar.gz", "link", tarfile.SYMTYPE),
        bad_tar(tmp_path / "b.tar.gz", "link", tarfile.LNKTYPE),
        bad_tar(tmp_path / "c.tar.gz", "link", tarfile.CHRTYPE),
    ):
        with pytest.raises(LookInsideError, match="entry 'link' is a link"):
            unpack(archive, tmp_path)


@pytest.mark.parametrize("name", ["MedNIST.zip", "MedNIST.tar.gz"])
@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_a_damaged_archive(tmp_path, capsys, name, keep):
    archive = packed(make_mednist(tmp_path / "MedNIST"), tmp_path / name)
    raw = archive.read_bytes()
    archive.write_bytes(raw[: int(keep * len(raw))])
    assert run(mednist.CARD, ["--from", str(archive), "--out", str(tmp_path / "data/mednist")]) == 1
    text = line(capsys)
    assert name in text and ("is damaged" in text or "is no .zip or .tar archive" in text)
    assert left_behind(tmp_path / "data") == []


def test_bent_bytes_in_a_zip(tmp_path):
    archive = packed(make_mednist(tmp_path / "MedNIST", 1), tmp_path / "a.zip")
    raw = bytearray(archive.read_bytes())
    raw[300:310] = bytes(10)
    archive.write_bytes(bytes(raw))
    (tmp_path / "in").mkdir()
    with pytest.raises(LookInsideError, match=r"a\.zip: is damaged"):
        unpack(archive, tmp_path / "in")


def test_no_archive_at_all(tmp_path):
    (tmp_path / "a.zip").write_text("text")
    with pytest.raises(LookInsideError, match=r"a\.zip: is no \.zip or \.tar archive"):
        unpack(tmp_path / "a.zip", tmp_path)


@pytest.fixture
def server():
    """A web server on this machine: `files` holds what it gives, `asked` counts, `cut` breaks off half-way."""

    class Handler(BaseHTTPRequestHandler):
        files, asked, cut = {}, [], False

        def do_GET(self):
            self.asked.append(self.path)
            body = self.files.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if body and Handler.cut else body or b"")

        def log_message(self, *_):
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    Handler.address = f"http://127.0.0.1:{web.server_port}"
    yield Handler
    web.shutdown()
    web.server_close()


def md5(data: bytes) -> str:
    return "md5:" + hashlib.md5(data).hexdigest()


def test_fetched_once_with_its_checksum(server, tmp_path):
    server.files["/a.zip"] = b"content" * 1000
    for _ in range(2):
        done = fetch(server.address + "/a.zip", md5(server.files["/a.zip"]), tmp_path / "downloads")
    assert done.read_bytes() == server.files["/a.zip"] and server.asked == ["/a.zip"]
    done.write_bytes(b"content")  # half of it, say: fetched again, never trusted
    fetch(server.address + "/a.zip", md5(server.files["/a.zip"]), tmp_path / "downloads")
    assert done.read_bytes() == server.files["/a.zip"] and len(server.asked) == 2


def test_a_wrong_checksum_leaves_nothing(server, tmp_path):
    server.files["/a.zip"] = b"content"
    with pytest.raises(LookInsideError, match=r"a\.zip: the checksum is not md5:") as caught:
        fetch(server.address + "/a.zip", md5(b"other"), tmp_path)
    assert "\n" not in str(caught.value) and left_behind(tmp_path) == []


def listing(files: dict[str, bytes]) -> bytes:
    """As PhysioNet writes it."""
    return "".join(f"{hashlib.sha256(body).hexdigest()} {path}\n" for path, body in files.items()).encode()


def test_a_listed_folder_is_fetched_file_by_file_and_goes_on_where_it_stopped(server, tmp_path, capsys):
    files = {"Images/a b.jpg": b"one", "Images/c.jpg": b"two", "Labels.csv": b"three"}
    server.files.update({f"/set/{path.replace(' ', '%20')}": body for path, body in files.items()})
    server.files["/set/SHA256SUMS.txt"] = listing(files)
    folder = fetch_listed(server.address + "/set/", tmp_path / "downloads/set")
    assert {path: (folder / path).read_bytes() for path in files} == files
    assert "Fetched 3 files" in capsys.readouterr().out
    (folder / "Images/c.jpg").write_bytes(b"tw")
    server.asked.clear()
    fetch_listed(server.address + "/set/", folder)
    assert server.asked == ["/set/SHA256SUMS.txt", "/set/Images/c.jpg"]
    assert (folder / "Images/c.jpg").read_bytes() == b"two"
    server.files["/set/Labels.csv"] = b"changed"
    (folder / "Labels.csv").unlink()
    with pytest.raises(LookInsideError, match=r"Labels\.csv: the checksum is not sha256:.*download the whole set"):
        fetch_listed(server.address + "/set/", folder)
    assert not (folder / "Labels.csv").exists()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"../Labels.csv": b"x"}, r"'\.\./Labels\.csv' would leave its folder"),
        ({"/etc/x": b"x"}, "would leave its folder"),
        ({}, "lists no file: download the set from its page"),
    ],
)
def test_a_listing_that_is_none_or_would_leave_its_folder(server, tmp_path, files, says):
    server.files["/set/SHA256SUMS.txt"] = listing(files) or b"<html>sign in first</html>"
    with pytest.raises(LookInsideError, match=says) as caught:
        fetch_listed(server.address + "/set/", tmp_path / "downloads/set")
    assert "\n" not in str(caught.value) and server.asked == ["/set/SHA256SUMS.txt"]


def test_hygd_and_acrima_from_their_addresses(server, tmp_path, capsys):
    source = make_hygd(tmp_path / "hygd")
    files = {path.relative_to(source).as_posix(): path.read_bytes() for path in source.rglob("*") if path.is_file()}
    server.files.update({f"/1.1.0/{path}": body for path, body in files.items()})
    server.files["/1.1.0/SHA256SUMS.txt"] = listing(files)
    card = replace(hygd.CARD, address=server.address + "/1.1.0/")
    assert run(card, ["--out", str(tmp_path / "data/hygd")]) == 0
    assert "Checksum: of each file, in SHA256SUMS.txt" in capsys.readouterr().out
    archive = packed(make_acrima(tmp_path / "acrima")[0], tmp_path / "acrima.zip").read_bytes()
    server.files["/14137700?private_link=x"] = archive
    card = replace(acrima.CARD, address=server.address + "/14137700?private_link=x", checksum=md5(archive))
    assert run(card, ["--out", str(tmp_path / "data/acrima")]) == 0
    assert left_behind(tmp_path / "data") == ["acrima", "downloads", "hygd"]
    assert left_behind(tmp_path / "data/downloads") == ["acrima_database.zip", "hygd"]
    kept = tmp_path / "data/downloads"  # a folder that holds the archive is as good as the archive
    assert run(card, ["--from", str(kept), "--out", str(tmp_path / "again")]) == 0
    assert json.loads((tmp_path / "again/dataset.json").read_text())["input"]["name"] == "acrima_database.zip"


def test_a_broken_connection_leaves_nothing(server, tmp_path):
    server.files["/a.zip"] = b"content" * 100_000
    server.cut = True
    with pytest.raises(LookInsideError, match=r"could not be fetched|the checksum is not"):
        fetch(server.address + "/a.zip", md5(server.files["/a.zip"]), tmp_path)
    assert left_behind(tmp_path) == []


def test_a_missing_file_and_a_silent_server(server, tmp_path):
    for address in (server.address + "/none.zip", "http://127.0.0.1:9/a.zip"):
        with pytest.raises(LookInsideError, match="could not be fetched") as caught:
            fetch(address, md5(b""), tmp_path)
        assert "\n" not in str(caught.value) and "--from" in str(caught.value)
    assert left_behind(tmp_path) == []


def test_ctrl_c_while_fetching(server, tmp_path, capsys, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    server.files["/MedNIST.tar.gz"] = b"content"
    monkeypatch.setattr(preparing.fetch.pooch.HTTPDownloader, "__call__", stop)
    card = replace(mednist.CARD, address=server.address + "/MedNIST.tar.gz")
    assert run(card, ["--out", str(tmp_path / "data/mednist")]) == 130
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_fetch_and_prepare_says_first_what_it_is(server, tmp_path, capsys):
    archive = packed(make_mednist(tmp_path / "MedNIST"), tmp_path / "MedNIST.tar.gz")
    server.files["/MedNIST.tar.gz"] = archive.read_bytes()
    card = replace(mednist.CARD, address=server.address + "/MedNIST.tar.gz", checksum=md5(archive.read_bytes()))
    assert run(card, ["--out", str(tmp_path / "data/mednist")]) == 0
    said = capsys.readouterr().out
    assert said.index("CC BY-SA 4.0") < said.index(card.address) < said.index(card.checksum) < said.index("Fetched")
    assert left_behind(tmp_path / "data") == ["downloads", "mednist"]
    assert run(card, ["--out", str(tmp_path / "data/mednist"), "--force"]) == 0
    assert server.asked == ["/MedNIST.tar.gz"]
