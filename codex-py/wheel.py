#!/usr/bin/env python3
"""Makes a wheel of the package and an extension that cargo has built, without a network: wheel.py EXTENSION FOLDER

`maturin build` makes the same wheel where maturin is at hand; it builds the extension itself.
"""

import base64
import hashlib
import pathlib
import re
import sys
import sysconfig
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = HERE / "python" / "hivematrix_codex"
NAME = "hivematrix_codex"


def version() -> str:
    """The version of the workspace."""
    text = (HERE.parent / "Cargo.toml").read_text(encoding="utf-8")
    found = re.search(r'^\[workspace\.package\][^\[]*?^version = "([^"]+)"', text, re.MULTILINE | re.DOTALL)
    if found is None:
        sys.exit("Cargo.toml: [workspace.package] version is missing")
    return found[1]


def main(extension: str, folder: str) -> None:
    number = version()
    platform = re.sub(r"[-.]", "_", sysconfig.get_platform())
    tag = f"cp310-abi3-{platform}"
    info = f"{NAME}-{number}.dist-info"
    wheel = pathlib.Path(folder) / f"{NAME}-{number}-{tag}.whl"
    records = []
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as archive:

        def add(name: str, data: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(name), data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            records.append(f"{name},sha256={digest},{len(data)}")

        for path in sorted(PACKAGE.rglob("*")):
            if path.suffix in (".py", ".pyi") or path.name == "py.typed":
                add(f"{NAME}/{path.relative_to(PACKAGE).as_posix()}", path.read_bytes())
        add(f"{NAME}/_native.abi3.so", pathlib.Path(extension).read_bytes())
        meta = f"Metadata-Version: 2.1\nName: hivematrix-codex\nVersion: {number}\nRequires-Python: >=3.10\nLicense: MIT\n"
        add(f"{info}/METADATA", meta.encode())
        add(f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: wheel.py\nRoot-Is-Purelib: false\nTag: {tag}\n".encode())
        records.append(f"{info}/RECORD,,")
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD"), "\n".join(records) + "\n")
    print(wheel)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
