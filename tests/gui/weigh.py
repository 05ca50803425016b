"""Write what the plain install adds to FSLeyes: ``FOLDER_OF_SETUP/bin/python tests/gui/weigh.py``."""

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution

MEGABYTE = 1e6  # bytes


def needed(name: str, known: dict[str, Distribution]) -> dict[str, Distribution]:
    """Add a package and what it needs without extras to those that are known."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in known:
        return known
    try:
        package = distribution(name)
    except PackageNotFoundError:
        return known
    known[key] = package
    for line in package.requires or ():
        if "extra ==" not in line:
            needed(re.split(r"[ ;<>=!~\[(]", line, maxsplit=1)[0], known)
    return known


def megabytes(package: Distribution) -> float:
    """Return the size of the installed files of a package, in MB."""
    places = (package.locate_file(file) for file in package.files or ())
    return sum(place.stat().st_size for place in places if place.is_file()) / MEGABYTE


def main() -> None:
    """Write each added package and the sum."""
    viewer = needed("fsleyes", {})
    ours = needed("fsl-mrs-dl", {})
    added = {name: megabytes(package) for name, package in ours.items() if name not in viewer}
    for name, size in sorted(added.items(), key=lambda item: -item[1]):
        sys.stdout.write(f"{name:24}{size:8.1f} MB\n")
    sys.stdout.write(f"{'sum':24}{sum(added.values()):8.1f} MB\n")


if __name__ == "__main__":
    main()
