"""What is unpacked of a zip that nobody trusts."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from pathlib import Path

import pytest

from tests.services.lambda_.functions import zip_of
from tule.core.errors import ServiceError
from tule.services.lambda_ import packages
from tule.services.lambda_.packages import unpack

COULD_NOT_UNZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."


def unpacked(tmp_path: Path, data: bytes) -> Path:
    source = tmp_path / "package.zip"
    source.write_bytes(data)
    unpack(source, tmp_path / "code")
    return tmp_path / "code"


def linked(name: str, target: str, **files: str) -> bytes:
    """A zip with a symbolic link and, after it, files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo(name)
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, target)
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def refusal(tmp_path: Path, data: bytes) -> str:
    with pytest.raises(ServiceError) as error:
        unpacked(tmp_path, data)
    assert error.value.code == "InvalidParameterValueException"
    assert not (tmp_path / "code").exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["package.zip"]
    return error.value.message


def test_files_and_directories_come_out_readable_by_all(tmp_path: Path) -> None:
    code = unpacked(tmp_path, zip_of({"index.py": "x = 1", "lib/deep/module.py": "y = 2", "empty/": ""}))
    assert (code / "index.py").read_text() == "x = 1"
    assert (code / "lib/deep/module.py").read_text() == "y = 2"
    assert (code / "empty").is_dir()
    assert stat.S_IMODE((code / "index.py").stat().st_mode) == 0o644
    assert stat.S_IMODE(code.stat().st_mode) == 0o755


def test_what_is_executable_stays_executable(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o6755 << 16
        archive.writestr(entry, "#!/bin/sh\n")
    mode = stat.S_IMODE((unpacked(tmp_path, buffer.getvalue()) / "bootstrap").stat().st_mode)
    assert mode == 0o755  # without its set-user-id bits


def test_links_within_the_package_are_kept(tmp_path: Path) -> None:
    code = unpacked(tmp_path, linked("lib/current", "../v1/module.py", **{"v1/module.py": "found"}))
    assert (code / "lib/current").read_text() == "found"
    assert os.readlink(code / "lib/current") == "../v1/module.py"


@pytest.mark.parametrize("name", ["/etc/cron.d/evil", "../evil", "a/../../evil", "..", "a\\..\\..\\evil", "//x"])
def test_absolute_and_climbing_paths_are_refused(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path, zip_of({"index.py": "", name: "evil"})) == COULD_NOT_UNZIP
    assert not (tmp_path.parent / "evil").exists()


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "..", "a/../../b"])
def test_links_out_of_the_package_are_refused(tmp_path: Path, target: str) -> None:
    assert refusal(tmp_path, linked("link", target)) == COULD_NOT_UNZIP


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    assert refusal(tmp_path, linked("dir", "elsewhere", **{"dir/file": "x"})) == COULD_NOT_UNZIP


def test_a_file_that_is_also_a_directory_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, zip_of({"a": "file", "a/b": "x"})) == COULD_NOT_UNZIP


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip at all" * 10], ids=["empty", "short", "text"])
def test_what_is_no_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    assert refusal(tmp_path, data) == COULD_NOT_UNZIP


def test_a_zip_with_damaged_contents_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("index.py", "x = 1\n" * 1000)
    data = bytearray(buffer.getvalue())
    data[40] ^= 0xFF
    assert refusal(tmp_path, bytes(data)) == COULD_NOT_UNZIP


def test_a_bomb_is_refused_by_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MAX_UNZIPPED_BYTES", 1_000_000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(1_000_001))
    assert refusal(tmp_path, buffer.getvalue()) == "Unzipped size must be smaller than 1000000 bytes"


def test_a_bomb_that_lies_about_its_size_is_refused_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MAX_UNZIPPED_BYTES", 1_000_000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(5_000_000))
    data = buffer.getvalue().replace((5_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert refusal(tmp_path, data) in (COULD_NOT_UNZIP, "Unzipped size must be smaller than 1000000 bytes")


def test_unpacking_twice_leaves_one_directory(tmp_path: Path) -> None:
    data = zip_of({"index.py": "x"})
    unpacked(tmp_path, data)
    unpacked(tmp_path, data)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["code", "package.zip"]


def test_what_earlier_lives_left_is_removed_at_the_start(tmp_path: Path) -> None:
    class House:
        class config:
            data_path = tmp_path

    kept = packages.Packages(House)  # pyright: ignore[reportArgumentType]
    mine = kept.directory("a" * 64)
    mine.mkdir(parents=True)
    (tmp_path / "code" / "an-earlier-boot" / ("b" * 64)).mkdir(parents=True)
    (mine.parent / "incoming-0-x.zip").touch()
    (mine.parent / "unpacking-0-x").mkdir()
    kept.forget_other_boots()
    assert list((tmp_path / "code").iterdir()) == [mine.parent]
    assert list(mine.parent.iterdir()) == [mine]
