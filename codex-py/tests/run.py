"""Puts the extension beside the package in a temporary folder and tests it there: run.py [LIBRARY].

Without a library, the extension is built first.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def build() -> pathlib.Path:
    subprocess.run(["cargo", "build", "--quiet", "--package", "codex-py"], cwd=ROOT, check=True)
    meta = subprocess.run(
        ["cargo", "metadata", "--format-version=1", "--no-deps", "--offline"],
        cwd=ROOT, check=True, capture_output=True,
    )
    return pathlib.Path(json.loads(meta.stdout)["target_directory"]) / "debug" / "lib_codex.so"


def install(library: pathlib.Path, into: pathlib.Path) -> None:
    shutil.copytree(ROOT / "codex-py" / "python" / "codex", into / "codex")
    shutil.copy(library, into / "codex" / "_codex.abi3.so")


class Smoke(unittest.TestCase):
    def test_an_empty_database_has_no_companies(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            codex = self.codex.Codex(f"sqlite://{folder}/codex.db")
            self.assertEqual(codex.companies(), [])
            self.assertIsNone(codex.company("100001"))

    def test_an_unusable_url_is_a_codex_error(self) -> None:
        with self.assertRaises(self.codex.CodexError):
            self.codex.Codex("mysql://nowhere")

    def test_names_fold_as_in_rust(self) -> None:
        self.assertEqual(self.codex.fold(" Ärger "), "arger")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        library = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else build()
        install(library, pathlib.Path(folder))
        sys.path.insert(0, folder)
        import codex

        Smoke.codex = codex
        result = unittest.main(argv=sys.argv[:1], verbosity=2, exit=False).result
        failed = len(result.failures) + len(result.errors)
        # The form of cargo's test runner, so that tests/run can add up both.
        word = "FAILED" if failed else "ok"
        print(f"test result: {word}. {result.testsRun - failed} passed; {failed} failed")
        sys.exit(bool(failed))
