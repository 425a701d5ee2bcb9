"""Fetch the front-end files we ship, once, and record what they are.

    python scripts/vendor.py

Each package is pinned by version and by the SHA-512 of its npm tarball; a
tarball that differs stops the run. To upgrade: change `version`, run, compare
the integrity it prints with the package's page, then pin that too.
The pages never ask another host for anything, so the files are committed.
"""

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"
# The manifest storage follows these comments and fails, because we ship no .map files.
SOURCE_MAP = re.compile(rb"\s*/[/*]# sourceMappingURL=[^\s*]+(\s*\*/)?\s*$")

ICONS = [
    "house",
    "calendar3",
    "people",
    "clipboard-check",
    "arrow-repeat",
    "bar-chart",
    "file-earmark-spreadsheet",
    "journal-text",
    "upload",
    "download",
    "three-dots",
    "search",
    "plus-lg",
    "pencil",
    "check-lg",
    "x-lg",
    "check-circle",
    "exclamation-triangle",
    "info-circle",
    "question-circle",
    "clock-history",
    "chevron-right",
    "chevron-left",
    "chevron-down",
    "box-arrow-right",
    "lock",
    "unlock",
    "key",
    "printer",
    "copy",
    "person",
    "person-plus",
    "person-check",
    "house-heart",
    "flag",
    "star",
    "archive",
    "arrow-counterclockwise",
    "list",
    "send",
    "dash-circle",
    "gear",
    "diagram-3",
]


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    licence: str
    integrity: str
    files: tuple[str, ...] = ()
    sprite: tuple[str, ...] = ()


PACKAGES = [
    Package(
        name="bootstrap",
        version="5.3.9",
        licence="MIT",
        integrity="sha512-20cU0rcfw8WdxtVbmfU+xT2EjvVTw9Ror/h1Qvd7DXCujRg8OO9mdBCsmTHdJFf3BuadmBNJtgIuUXsBqSkk/w==",
        files=("dist/css/bootstrap.min.css", "LICENSE"),
    ),
    Package(
        name="bootstrap-icons",
        version="1.13.2",
        licence="MIT",
        integrity="sha512-fAU1Ly3dH7hwRg+CB8EZ0Vl0fF80zgXHeUVJyfUOKzoURr+TbwISbCW5tKUoQLERaWYG2emTCybcPbD96hdD1A==",
        files=("LICENSE",),
        sprite=tuple(ICONS),
    ),
]


def tarball(package: Package) -> bytes:
    """The package as npm serves it; refused unless its hash is the pinned one."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is needed to fetch packages; the committed files need none")
    with tempfile.TemporaryDirectory() as folder:
        spec = f"{package.name}@{package.version}"
        subprocess.run([npm, "pack", "--silent", spec], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        content = next(Path(folder).glob("*.tgz")).read_bytes()
    found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != package.integrity:
        sys.exit(f"{spec}: expected {package.integrity}\n{'':{len(spec)}}  received {found}")
    return content


def symbol(name: str, svg: str) -> str:
    """One icon as a <symbol>; colour and size come from the page's CSS."""
    inner = re.sub(r"^.*?<svg[^>]*>|</svg>\s*$", "", svg, flags=re.DOTALL)
    return f'<symbol id="{name}" viewBox="0 0 16 16">{" ".join(inner.split())}</symbol>'


def unpack(package: Package) -> dict[str, bytes]:
    """The files we keep of one package, by the name they get here."""
    with tarfile.open(fileobj=io.BytesIO(tarball(package))) as archive:

        def read(path: str) -> bytes:
            return archive.extractfile(f"package/{path}").read()

        kept = {Path(path).name: SOURCE_MAP.sub(b"\n", read(path)) for path in package.files}
        if package.sprite:
            symbols = [symbol(name, read(f"icons/{name}.svg").decode()) for name in package.sprite]
            head = '<svg xmlns="http://www.w3.org/2000/svg" fill="currentColor">'
            kept["sprite.svg"] = "\n".join([head, *symbols, "</svg>", ""]).encode()
    return kept


def main() -> None:
    """Rewrite static/vendor and its lock file; running it again changes nothing."""
    entries = []
    fetched = [(package, unpack(package)) for package in PACKAGES]
    shutil.rmtree(VENDOR, ignore_errors=True)
    for package, files in fetched:
        folder = VENDOR / package.name / package.version
        folder.mkdir(parents=True)
        for name, content in sorted(files.items()):
            (folder / name).write_bytes(content)
            entries.append(
                {
                    "name": package.name,
                    "version": package.version,
                    "licence": package.licence,
                    "integrity": package.integrity,
                    "file": (folder / name).relative_to(VENDOR).as_posix(),
                    "sha256": hashlib.sha256(content).hexdigest(),
                }
            )
    (VENDOR / "vendor.lock.json").write_text(json.dumps(entries, indent=2) + "\n")
    print(f"{len(entries)} files in {VENDOR}")


if __name__ == "__main__":
    main()
