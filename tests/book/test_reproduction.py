"""Two builds give the same bytes, and what compares them would notice a difference.

``make reproduce`` does this with the whole book; here it is a small one that has a bit of all.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hwbook.seeds import seeds_in
from tests.book import reproduce
from tests.book.test_extension import NOTEBOOK, Book

PAGE = """
# Page

*Problem 1, 2 points.
What this page is about.*

Half is {recorded}`half`; see {eq}`def-one`, {ref}`fig-line` and [the ledger](ledger.md).

```{math}
:label: def-one
1 := 1
```

```{code-cell} python
import matplotlib.pyplot as plt
import numpy as np

from hwlib import figures
from hwlib.claims import claim, record

figures.use_style()
draws = np.random.default_rng(3).normal(size=1_000)
words = {"a", "set", "of", "words"}
claim("mean", "The mean is small.", abs(draws.mean()), "<=", 1, kind="observed", because="chosen")
record("half", 0.5, ".1%")
```

```{code-cell} python
---
tags: [hide-input]
mystnb:
  figure:
    name: fig-line
    caption: A line.
---
figure, ax = plt.subplots()
ax.plot(draws, label="draws")
ax.legend()
figures.show(figure, "A noisy line.")
```

```{exercise}
:label: ex-one

Why?
```
"""


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A small book built twice, in two surroundings."""
    built = []
    for surroundings in reproduce.SURROUNDINGS:
        book = Book(tmp_path_factory.mktemp("place") / surroundings.folder)
        book.write("book/page.md", NOTEBOOK.replace("mystnb\n", "mystnb\nextras: plot\n") + PAGE)
        built.append(reproduce.build(book.root, surroundings))
    return built


def test_two_builds_in_two_surroundings_are_the_same(sites: list[Path]) -> None:
    assert list(reproduce.differences(*sites)) == []
    assert reproduce.digest(sites[0]) == reproduce.digest(sites[1])


def test_the_two_built_all_that_a_book_has(sites: list[Path]) -> None:
    names = reproduce.files(sites[0])
    assert {"./book/page.html", "./notebooks/page.ipynb", "./claims.json"} <= names.keys()
    assert "<svg" in names["./book/page.html"].read_text(encoding="utf-8")


def test_the_surroundings_differ_in_all_that_may() -> None:
    one, other = reproduce.SURROUNDINGS
    assert one.umask != other.umask
    assert all(other.variables[name] != value for name, value in one.variables.items())
    assert len(one.folder) != len(other.folder)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders with the same files."""
    one, other = tmp_path / "one", tmp_path / "other"
    for site in (one, other):
        (site / "book").mkdir(parents=True)
        (site / "book" / "page.html").write_text("first line\nsecond line\n")
        (site / "z.bin").write_bytes(bytes(range(256)))
    return one, other


def test_equal_sites_are_equal(pair: tuple[Path, Path], capsys: pytest.CaptureFixture) -> None:
    assert reproduce.main([str(site) for site in pair]) == 0
    said = capsys.readouterr().out
    assert "All 2 files of both sites are the same" in said
    assert reproduce.digest(pair[0]) in said


def rename(site: Path) -> None:
    (site / "z.bin").rename(site / "y.bin")


@pytest.mark.parametrize(
    ("change", "complaints"),
    [
        (
            lambda site: (site / "book" / "page.html").write_text("first line\nsecond lime\n"),
            ["./book/page.html: line 2, byte 20: b'first line\\nsecond line\\n', and "],
        ),
        (
            lambda site: (site / "book" / "page.html").write_text("first line\n"),
            ["./book/page.html: line 2, byte 11: "],
        ),
        (lambda site: (site / "z.bin").unlink(), ["./z.bin: only in the first site"]),
        (lambda site: (site / "new").touch(), ["./new: only in the second site"]),
        (rename, ["./z.bin: only in the first site", "./y.bin: only in the second site"]),
    ],
)
def test_a_difference_is_found_and_shown(
    change: Callable[[Path], object],
    complaints: list[str],
    pair: tuple[Path, Path],
    capsys: pytest.CaptureFixture,
) -> None:
    change(pair[1])
    assert reproduce.main([str(site) for site in pair]) == 1
    said = capsys.readouterr().out
    assert f"{len(complaints)} file" in said
    assert all(complaint in said for complaint in complaints)
    assert reproduce.digest(pair[0]) != reproduce.digest(pair[1])


def test_the_digest_is_what_the_page_says_how_to_compute(pair: tuple[Path, Path]) -> None:
    page = (reproduce.ROOT / "book" / "reproduction.md").read_text(encoding="utf-8")
    command = next(line for line in page.splitlines() if line.startswith("find . "))
    done = subprocess.run(command, shell=True, cwd=pair[0], capture_output=True, check=True)
    assert done.stdout.decode().split()[0] == reproduce.digest(pair[0])


def test_only_tracked_files_are_copied(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "folder").mkdir(parents=True)
    for name in ("folder/tracked", "folder/not tracked", "gone"):
        (source / name).write_text(name)
    subprocess.run(["git", "init", "--quiet"], cwd=source, check=True)
    subprocess.run(["git", "add", "folder/tracked", "gone"], cwd=source, check=True)
    (source / "gone").unlink()
    reproduce.copy_tracked(source, tmp_path / "target")
    assert list(reproduce.files(tmp_path / "target")) == ["./folder/tracked"]


def test_a_failing_build_says_why(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book.page('```{code-cell} python\nraise ValueError("on purpose")\n```\n')
    with pytest.raises(reproduce.BuildError, match="on purpose"):
        reproduce.build(book.root, reproduce.SURROUNDINGS[0])


def test_seeds_are_found_in_cells_only() -> None:
    text = (
        NOTEBOOK + "`default_rng(1)`\n\n```{code-cell} python\nrng = np.random.default_rng(2)\n"
        "fit(seed=3)\nfit(seed=3)\nnp.random.seed(4)\nseeds = 5\n```\n"
    )
    assert seeds_in(text) == {"default_rng(2)": 1, "seed=3": 2, "random.seed(4)": 1}


@pytest.mark.site
def test_the_page_lists_the_seeds_of_every_page(site: Path) -> None:
    text = (site / "book" / "reproduction.html").read_text(encoding="utf-8")
    table = text[text.index('id="seeds"') : text.index('id="data"')]
    for source in sorted((reproduce.ROOT / "book").glob("*.md")):
        for seed in seeds_in(source.read_text(encoding="utf-8")):
            assert f">{seed}<" in re.sub(r"</?span[^>]*>", "", table)


@pytest.mark.site
def test_the_page_lists_every_archive_in_the_format_of_sha256sum(site: Path) -> None:
    text = (site / "book" / "reproduction.html").read_text(encoding="utf-8")
    assert len(re.findall(r"\b[0-9a-f]{64}  (?:Fashion)?MNIST/raw/[\w-]+\.gz", text)) == 8
