"""The promises of the build itself, each kept or broken by a small book that is really built."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = """---
file_format: mystnb
kernelspec:
  name: python3
---

"""
EXTRAS = "extras: "  # before the text of a page that is also a notebook
CLAIMS = """
```{code-cell} python
from hwlib.claims import claim, record
claim("one", "One is one.", 1, "==", 1, kind="exact")
claim("small", "A half is small.", 0.5, "<=", 0.75, kind="observed", because="chosen")
record("half", 0.5, ".1%")
```
"""


class Book:
    """A copy of the project's settings and extension around pages of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for part in ("src", "book/_ext", "book/_static", "book/_templates"):
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(ROOT / part, root / part, ignore=ignored)
        for name in ("_config.yml", "requirements.lock", "pyproject.toml", "book/references.bib"):
            shutil.copy(ROOT / name, root / name)
        self.write(
            "book/index.md", "# Start\n\nHalf is {recorded}`half`; {claims}`total` claims.\n"
        )
        self.write("book/ledger.md", "# Ledger\n\n```{ledger}\n```\n")
        toc = (
            "format: jb-book\nroot: book/index\nchapters:\n- file: book/page\n- file: book/ledger\n"
        )
        self.write("_toc.yml", toc)

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, encoding="utf-8")

    def page(self, text: str) -> None:
        self.write("book/page.md", NOTEBOOK + "# Page\n" + text)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text(encoding="utf-8")
        assert text.count(old) == 1
        self.write(name, text.replace(old, new))

    def build(self, *flags: str, before: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Build the book, with a command before the one that builds."""
        process = self.start(*flags, before=before)
        out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def start(self, *flags: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
        """Start to build it."""
        jupyter_book = Path(sys.executable).with_name("jupyter-book")
        command = [*before, str(jupyter_book), "build", ".", *flags]
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.root / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "NO_COLOR": "1",
        }
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def html(self, name: str) -> str:
        return (self.root / "_build/html/book" / f"{name}.html").read_text(encoding="utf-8")

    def claims(self) -> dict[str, dict[str, object]]:
        path = self.root / "_build/html/claims.json"
        return {entry["name"]: entry for entry in json.loads(path.read_text(encoding="utf-8"))}


STRICT = ("-W", "-n", "--keep-going")


@pytest.fixture
def book(tmp_path):
    return Book(tmp_path / "book of claims")


def said(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stdout + done.stderr).split())


def test_claims_reach_ledger_counts_and_prose_also_from_the_cache(book):
    book.page(CLAIMS + "\nA half, again: {recorded}`half`.\n")
    first = book.build(*STRICT)
    assert first.returncode == 0, said(first)
    assert set(book.claims()) == {"one", "small"}
    assert book.claims()["small"]["margin"] == pytest.approx(1 / 3)
    assert "50.0%" in book.html("index")
    assert "2 claims" in book.html("index")
    for anchor in ('href="page.html#claim-one"', 'href="page.html#claim-small"'):
        assert anchor in book.html("ledger")
    assert 'id="claim-one"' in book.html("page")

    shutil.rmtree(book.root / "_build/html")
    shutil.rmtree(book.root / "_build/.doctrees", ignore_errors=True)
    again = book.build(*STRICT)
    assert again.returncode == 0, said(again)
    assert "Executing notebook" not in said(again)
    assert set(book.claims()) == {"one", "small"}
    assert "50.0%" in book.html("index")


def test_a_false_claim_stops_the_build_each_time_and_names_itself(book):
    book.page(CLAIMS.replace('"<=", 0.75', '"<=", 0.25'))
    for _ in range(2):
        done = book.build()
        assert done.returncode != 0
        for part in ("ClaimError", "'small'", "A half is small.", "Measured 0.5", "<= 0.25"):
            assert part in said(done)


def test_an_edit_in_the_library_executes_again(book):
    book.page(CLAIMS)
    assert book.build(*STRICT).returncode == 0
    assert book.claims()["small"]["bound"] == "0.75"
    book.edit("src/hwlib/claims.py", 'fmt = ".3g"', 'fmt = ".4f"')
    done = book.build(*STRICT)
    assert done.returncode == 0, said(done)
    assert book.claims()["small"]["bound"] == "0.7500"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("The accuracy is 0.88 here.", "the decimal 0.88 is typed"),
        ("| a | b |\n| --- | --- |\n| one | 2.5 |\n", "the decimal 2.5 is typed"),
        ("See [the 0.25 part](page.md).", "the decimal 0.25 is typed"),
        (
            "```{code-cell} python\n---\nmystnb:\n  figure:\n    caption: It is .75 here.\n---\n"
            'from IPython.display import HTML; HTML("<p>x</p>")\n```\n',
            "the decimal .75 is typed",
        ),
        ("There is {recorded}`no-such-value`.", "nothing is recorded as 'no-such-value'"),
        ("There are {claims}`nonsense`.", "no count of claims called 'nonsense'"),
        ("```{math}\n:label: eq-one\n1 = 1\n```\n", "no claim evaluates equation 'eq-one'"),
        ("```{code-cell} python\n%time x = 1\n```\n", "a code cell uses '%time'"),
        (CLAIMS, "the name 'one' is used on book/page and again on book/page"),
        ('```{code-cell} python\nimport sys; print("odd", file=sys.stderr)\n```\n', "stderr"),
        (EXTRAS, "a page with extras begins with a paragraph in italics"),
        (f"{EXTRAS}*One.\nTwo.*\n\n![x](x.svg)", "a notebook cannot show this image"),
    ],
)
def test_a_strict_build_stops_at(book, text, complaint):
    if text.startswith(EXTRAS):
        book.write("book/x.svg", '<svg xmlns="http://www.w3.org/2000/svg"></svg>')
        head = NOTEBOOK.replace("---\n\n", "extras: none\n---\n\n")
        book.write("book/page.md", head + "# Page\n\n" + text.removeprefix(EXTRAS) + CLAIMS)
    else:
        book.page(CLAIMS + "\n" + text + "\n")
    done = book.build(*STRICT)
    assert complaint in said(done)
    assert done.returncode != 0


def test_what_a_strict_build_lets_pass(book):
    book.page(
        CLAIMS.replace('"==", 1,', '"==", 1, equation="eq-one",')
        + "\nA definition, a claimed equation, code like `0.5`, and mathematics $0.5 + 0.5 = 1$.\n"
        + "\n```{math}\n:label: def-two\n2 := 1 + 1\n```\n"
        + "\n```{math}\n:label: eq-one\n1 = 1\n```\n"
    )
    done = book.build(*STRICT)
    assert done.returncode == 0, said(done)


def test_a_missing_data_set_shows_as_not_checked(book):
    stands_in = (
        "\n```{code-cell} python\nfrom types import SimpleNamespace\n"
        'claim("two", "Two is three.", 2, "==", 3, kind="exact",\n'
        '      data=SimpleNamespace(name="digits", requested="mnist"))\n```\n'
    )
    book.page(CLAIMS + stands_in)
    done = book.build(*STRICT)
    assert done.returncode == 0, said(done)
    assert book.claims()["two"]["status"] == "not checked"
    assert "not checked: mnist is not here" in book.html("ledger")


def test_a_kept_training_is_found_again_by_the_same_library_only(book):
    book.page(
        "```{code-cell} python\nimport os, pathlib\nfrom hwlib.claims import claim\n"
        'kept = pathlib.Path(os.environ["HWLIB_CHECKPOINT"])\n'
        'claim("none", "Nothing is kept.", kept.exists(), "==", False, kind="exact")\n'
        "kept.touch()\n```\n"
    )
    assert book.build().returncode == 0
    book.edit("src/hwlib/claims.py", 'fmt = ".3g"', 'fmt = ".4f"')
    assert book.build().returncode == 0
    book.edit("book/page.md", "# Page", "# Page\n\n```{code-cell} python\n1\n```")
    assert "Nothing is kept. Measured True" in said(book.build())


def test_only_the_newest_caches_are_kept(book):
    book.page(CLAIMS)
    caches = book.root / "_build/.jupyter_cache"
    for number in range(6):
        old = caches / f"old{number}"
        old.mkdir(parents=True)
        os.utime(old, (number, number))
    assert book.build().returncode == 0
    kept = {path.name for path in caches.iterdir()}
    assert len(kept) == 4
    assert {"old5", "old4", "old3"} < kept
