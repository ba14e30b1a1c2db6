"""The built site's text names no other host to load from, and the build asks for none.

That every page works from a folder, without a server, is tested in a browser (``test_pages``).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.book.browser import built_pages, site_folder
from tests.book.markup import (
    elsewhere,
    page_loads,
    referrer,
    repeated_identifiers,
    sends,
    style_loads,
)
from tests.book.test_extension import STRICT, Book, said

import hwlib
from hwlib import datasets

ROOT = Path(__file__).resolve().parents[2]
BUILT = site_folder()
PAGES = built_pages(BUILT) or ["no page"]
THEBE = ("x-thebe-config", "sphinx-thebe", "THEBE_JS_URL", "kernelName =")


@pytest.fixture(params=PAGES)
def text(request: pytest.FixtureRequest, site: Path) -> str:
    return (site / request.param).read_text(encoding="utf-8")


@pytest.mark.site
def test_a_page_loads_from_no_other_host(text: str) -> None:
    assert elsewhere(page_loads(text)) == []


@pytest.mark.site
def test_a_page_sends_nothing_to_another_host(text: str) -> None:
    assert elsewhere(sends(text)) == []
    assert referrer(text) == "same-origin"


@pytest.mark.site
def test_no_script_of_ours_sends_or_keeps_anything() -> None:
    scripts = [*(ROOT / "book").rglob("*.js"), *(ROOT / "book" / "_templates").rglob("*.html")]
    ours = [path.read_text(encoding="utf-8") for path in scripts if "vendor" not in path.parts]
    words = re.compile(r"\b(fetch|XMLHttpRequest|sendBeacon|WebSocket|cookie|Storage|indexedDB)\b")
    assert len(ours) > 5
    assert [words.findall(script) for script in ours] == [[]] * len(ours)


@pytest.mark.site
def test_a_page_is_free_of_thebe(text: str) -> None:
    assert [trace for trace in THEBE if trace in text] == []


@pytest.mark.site
def test_a_page_keeps_the_repairs(text: str) -> None:
    broken = ("<summary aria-label=", 'role="doc-biblioentry"', "<th></th>")
    assert [trace for trace in broken if trace in text] == []


@pytest.mark.site
def test_an_identifier_is_given_once(text: str) -> None:
    assert repeated_identifiers(text) == []


@pytest.mark.site
def test_a_page_with_mathematics_loads_mathjax(text: str) -> None:
    mathematics = 'class="math' in text or r"\(" in text
    assert not mathematics or any("mathjax" in address for address in page_loads(text))


@pytest.mark.site
def test_the_bibliography_is_a_list(site: Path) -> None:
    text = (site / "book" / "bibliography.html").read_text(encoding="utf-8")
    assert 'role="listitem"' in text


@pytest.mark.site
def test_a_style_sheet_loads_from_no_other_host(site: Path) -> None:
    found = {
        sheet.name: elsewhere(style_loads(sheet.read_text(encoding="utf-8")))
        for sheet in site.rglob("*.css")
    }
    assert {name: addresses for name, addresses in found.items() if addresses} == {}


@pytest.mark.parametrize(
    "markup",
    [
        '<script src="https://example.org/x.js"></script>',
        '<script async src="//example.org/x.js"></script>',
        '<link rel="stylesheet" href="http://example.org/x.css">',
        '<link rel="preconnect" href="https://example.org">',
        '<img alt="" src="HTTPS://example.org/x.png">',
        '<iframe src="https://example.org"></iframe>',
        "<style>@import 'https://example.org/x.css';</style>",
        "<style>body { background: url(https://example.org/x.png) }</style>",
        "<p style=\"background: url('//example.org/x.png')\"></p>",
    ],
)
def test_a_load_from_another_host_is_found(markup: str) -> None:
    assert elsewhere(page_loads(markup)) != []


@pytest.mark.parametrize(
    "markup",
    [
        '<a href="https://example.org">a link to follow</a>',
        '<link rel="next" href="https://example.org">',
        '<script src="_static/x.js"></script>',
        '<svg xmlns="http://www.w3.org/2000/svg"></svg>',
        "<style>p { color: red }</style><p>url(https://example.org)</p>",
    ],
)
def test_what_is_not_loaded_is_not_found(markup: str) -> None:
    assert elsewhere(page_loads(markup)) == []


@pytest.mark.parametrize(
    "markup",
    [
        '<form action="https://example.org/search"><input name="q"></form>',
        '<form><button formaction="//example.org">send</button></form>',
        '<a href="lad.html" ping="https://example.org">a link that tells</a>',
        '<meta http-equiv="Refresh" content="0; url=https://example.org">',
    ],
)
def test_what_is_sent_to_another_host_is_found(markup: str) -> None:
    assert elsewhere(sends(markup)) != []


def test_a_repeated_identifier_is_found() -> None:
    assert repeated_identifiers('<p id="a"></p><p id="a"></p><p id="b"></p>') == ["a"]


@pytest.mark.site
@pytest.mark.parametrize("module", hwlib.__all__)
def test_the_api_page_has_every_public_name(module: str, site: Path) -> None:
    text = (site / "book" / "api.html").read_text(encoding="utf-8")
    names = getattr(hwlib, module).__all__
    assert [name for name in names if f'id="hwlib.{module}.{name}"' not in text] == []


CUT_OFF = ["unshare", "--map-root-user", "--net"]
WITHOUT_NETWORK = (
    "import fcntl, os, socket, struct, sys\n"
    "with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as up:\n"  # kernels talk over loopback
    "    fcntl.ioctl(up, 0x8914, struct.pack('16sh', b'lo', 0x1 | 0x8 | 0x40))\n"
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
PAGE = """
```{code-cell} python
import socket

from hwlib import datasets
from hwlib.claims import claim, record

record("half", 0.5)
data = datasets.load("mnist")
datasets.notice(data)
with socket.socket() as out:
    unreachable = out.connect_ex(("192.0.2.1", 80)) != 0
claim("cut-off", "There is no network.", unreachable, "==", True, kind="exact")
claim("data", "There are ten digits.", len(set(data.test_labels.tolist())), "==", 10, kind="exact")
```
"""


@pytest.fixture
def cut_off() -> list[str]:
    """A command to put before another, which then has no network but the loopback."""
    command = [*CUT_OFF, sys.executable, "-c", WITHOUT_NETWORK]
    try:
        tried = subprocess.run([*command, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare here, which cuts a process off from the network")
    if tried.returncode != 0:
        pytest.skip(f"no network namespace may be made here: {tried.stderr.decode().strip()}")
    return command


@pytest.mark.parametrize("data", ["given", "missing"])
def test_a_book_builds_without_a_network(
    data: str, cut_off: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if data == "missing":
        monkeypatch.delenv("HWLIB_DATA", raising=False)
        monkeypatch.delenv("HWLIB_REQUIRE_DATA", raising=False)
        monkeypatch.setenv("HWLIB_CACHE", str(tmp_path / "cache"))
    elif datasets.find("mnist") is None or datasets.find("fashion-mnist") is None:
        pytest.skip("the archives are not here")
    book = Book(tmp_path / "book")
    book.page(PAGE)
    done = book.build(*STRICT, before=cut_off)
    assert done.returncode == 0, said(done)
    assert set(book.claims()) == {"cut-off", "data"}


def test_the_wheel_is_built_without_a_network(cut_off: list[str], tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from hwbook.homework import build_wheel; "
    code += "build_wheel(Path(sys.argv[1]), Path(sys.argv[2]))"
    command = [*cut_off, sys.executable, "-c", code, str(ROOT), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'book' / '_ext'}"}
    subprocess.run(command, check=True, env=environment)
    assert [path.suffix for path in tmp_path.iterdir()] == [".whl"]
