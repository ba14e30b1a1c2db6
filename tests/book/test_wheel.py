"""The wheel alone: a module works or names its extra, and with extras the README runs."""

from __future__ import annotations

import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest
from hwbook.homework import build_wheel
from tests.book import alone

import hwlib

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WORKS = {
    "backprop": "backprop.Network((4, 3)).save('n.npz'); backprop.Network.load('n.npz')",
    "boxes": "boxes.box_sum(np.sin, bound=3, n_boxes=9)(np.zeros(2))",
    "claims": "claims.claim('one', 'One.', 1, '==', 1, kind='exact'); claims.benchmark('lad')",
    "datasets": "datasets.load('digits')",
    "homework": "assert homework.check('3c', softmax.jacobian) > 0",
    "lad": "lad.LADRegressor().fit(np.eye(3), np.ones(3))",
    "softmax": "softmax.vjp(np.zeros((2, 3)), np.ones((2, 3)))",
}
NAMES = {
    "boxes": ("boxes.draw(boxes.box_network(1, 1))", "plot"),
    "datasets": ("datasets.fetch('mnist')", "torch"),
    "figures": ("figures.use_style()", "plot"),
    "homework": ("homework._editions.student(homework._problems.PROBLEMS[0])", "homework"),
    "lad": ("lad.fit(np.eye(3), np.ones(3), solver='cvxpy')", "cvxpy"),
    "mlp": ("from hwlib import mlp", "torch"),
}
# What the script does that pip makes of it.
COMMAND = """
from importlib.metadata import entry_points
(command,) = entry_points(group="console_scripts", name="hwlib")
raise SystemExit(command.load()())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return alone.make(tmp_path_factory.mktemp("bare"), wheel, set(), kernel=False).python


@pytest.fixture(scope="module")
def equipped(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return alone.make(
        tmp_path_factory.mktemp("equipped"), wheel, {"torch", "homework", "dask"}
    ).python


def run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it in a folder, with no network and no data."""
    variables = {"PYTHONPATH", "HWLIB_DATA", "HWLIB_REQUIRE_DATA", "no_proxy"}
    environment = {name: value for name, value in os.environ.items() if name not in variables}
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    environment |= nowhere | {"HWLIB_CACHE": str(folder / "cache")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_wheel_holds_the_library_and_its_licence_and_nothing_else(wheel: Path) -> None:
    about = f"hwlib-{hwlib.__version__}.dist-info"
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
        metadata = opened.read(f"{about}/METADATA").decode()
        licence = opened.read(f"{about}/licenses/LICENSE").decode()
    assert {name.partition("/")[0] for name in names} == {"hwlib", about}
    assert not any(".." in Path(name).parts or "__pycache__" in name for name in names)
    assert {Path(name).suffix for name in names if name.startswith("hwlib/")} <= {
        ".py", ".typed", ".md", ".json",
    }  # fmt: skip
    assert "License-Expression: MIT\n" in metadata
    assert licence == (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_all_modules_are_spoken_of() -> None:
    assert WORKS.keys() | NAMES.keys() == set(hwlib.__all__)


def test_without_extras_what_needs_none_works(bare: Path, tmp_path: Path) -> None:
    code = "import numpy as np\nfrom hwlib import " + ", ".join(WORKS) + "\n"
    done = run(tmp_path, bare, "-W", "error", "-c", code + "\n".join(WORKS.values()))
    assert done.returncode == 0, done.stderr
    assert "bare" in run(tmp_path, bare, "-c", "import hwlib; print(hwlib.__file__)").stdout


def test_without_extras_what_needs_one_names_it(bare: Path, tmp_path: Path) -> None:
    code = "import numpy as np\nfrom hwlib.homework import _editions, _problems\n"
    code += "from hwlib import boxes, datasets, figures, homework, lad\n"
    for statement, extra in NAMES.values():
        code += f"try: {statement}\nexcept Exception as error: print({extra!r}, error)\n"
    done = run(tmp_path, bare, "-c", code)
    lines = done.stdout.splitlines()
    assert len(lines) == len(NAMES), done.stderr
    for line in lines:
        assert f'pip install "hwlib[{line.partition(" ")[0]}]"' in line


def test_the_readme_s_python_runs_as_it_is_printed(equipped: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", README, re.M | re.S)
    assert len(blocks) > 6
    (tmp_path / "readme.py").write_text("\n".join(blocks), encoding="utf-8")
    # What stands in for the pictures that are not here; what the reader has written.
    code = "import runpy; from hwlib.softmax import jacobian; "
    code += "runpy.run_path('readme.py', {'jacobian': jacobian})"
    done = run(tmp_path, equipped, "-W", "error", "-W", "ignore:Built without", "-c", code)
    assert done.returncode == 0, done.stderr
    assert "test accuracy" in done.stdout


def test_the_readme_s_commands_run(equipped: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", README, re.M | re.S)
    lines = [line.partition("#")[0].split() for line in "".join(blocks).splitlines()]
    commands = [words for words in lines if words[0] == "hwlib"]
    assert [words[1] for words in commands] == ["train", "train", "homework", "homework"]
    for words in commands:
        digits = ["digits" if word == "fashion-mnist" else word for word in words[1:]]
        done = run(tmp_path, equipped, "-c", COMMAND, *digits)
        assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"run", "notebooks", "course"}


def test_the_readme_names_extras_and_targets_that_there_are(wheel: Path) -> None:
    provided = set(alone.in_wheel(wheel).metadata.get_all("Provides-Extra") or ())
    named = re.findall(r'pip install "[^"\[]*\[([^\]]*)\]"', README)
    assert named
    assert {extra for extras in named for extra in extras.split(",")} <= provided
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert set(re.findall(r"`make ([a-z-]+)", README)) <= set(targets)
