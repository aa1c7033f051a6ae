"""Fetch what the console's pages carry that is not ours: exact versions from npm, with their licences.

    python tools/vendor.py            fetches with `npm pack` and writes src/nrdb/console/static/vendor
    python tools/vendor.py --check    says whether what lies there is what was fetched, and fetches nothing

A new version is a new line below; what the files' checksums then are, the first run tells. Look at the difference.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

PLACE = Path(__file__).parents[1] / "src" / "nrdb" / "console" / "static" / "vendor"


@dataclass(frozen=True)
class Package:
    """A package of npm, and which of its files become ours under which names, with their SHA-256."""

    name: str
    version: str
    files: dict[str, tuple[str, str]]


PACKAGES = (
    Package(
        "htmx.org",
        "2.0.11",
        {
            "dist/htmx.min.js": ("htmx.min.js", "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"),
            "LICENSE": ("htmx.LICENSE", "d3d2456f76414f2456104660ebd65aff1c04cd7966b942bdabd63f3cdb316a38"),
        },
    ),
    Package(
        "@picocss/pico",
        "2.1.1",
        {
            "css/pico.min.css": ("pico.min.css", "fbc9a63fc9fc9f72d12fd7fc9806e11fa9f77ae4f9cad146b27003a1119ba3db"),
            "LICENSE.md": ("pico.LICENSE", "afaff063e044233f917b7807dccab022f09dca474f92b642846bee4850655bbf"),
        },
    ),
)


def _fetched(package: Package, place: Path) -> Path:
    """The package's archive, from whichever registry npm is set up for; what comes out of it is checked."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is needed to fetch these packages: install Node.js with npm")
    subprocess.run([npm, "pack", "--silent", f"{package.name}@{package.version}"], cwd=place, check=True)  # noqa: S603
    (archive,) = place.glob("*.tgz")
    return archive


def fetch() -> None:
    """Write each wanted file anew."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    for package in PACKAGES:
        with tempfile.TemporaryDirectory() as place, tarfile.open(_fetched(package, Path(place))) as archive:
            for inside, (name, _) in package.files.items():
                content = archive.extractfile(f"package/{inside}")
                assert content is not None  # noqa: S101 (npm's archives hold files and folders only)
                (PLACE / name).write_bytes(content.read())


def check() -> list[str]:
    """What is not as the lines above say."""
    wanted = dict(entry for package in PACKAGES for entry in package.files.values())
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in PLACE.iterdir()}
    return [
        f"{name}: {found.get(name, 'missing')}, not {wanted.get(name, 'wanted')}"
        for name in sorted(wanted.keys() | found.keys())
        if wanted.get(name) != found.get(name)
    ]


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--check", action="store_true", help="fetch nothing")
    if not options.parse_args().check:
        fetch()
    if wrong := check():
        sys.exit("\n".join(wrong))
