"""The code on the pages of the documentation runs as it stands, on a registry of its own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import tidu.core.primitive as registry
from tidu.core.filling import fill
from tidu.errors import GradientError

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(p for p in [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "README.zh-CN.md"] if p.exists())
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def run(page: Path, **replaced: str) -> dict:
    """Execute the Python blocks of `page` in order, in one namespace, at their own line numbers."""
    text = page.read_text(encoding="utf-8")
    names: dict = {"__name__": "page"}
    for block in BLOCK.finditer(text):
        code = block[1]
        for old, new in replaced.items():
            code = code.replace(old, new)
        lines = text[: block.start(1)].count("\n")
        exec(compile("\n" * lines + code, str(page), "exec"), names)
    return names


@pytest.fixture
def own_registry(monkeypatch):
    fill()  # else the first page would fill the copy, and the original stay empty
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))


@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])
def test_the_code_on_the_page_runs(page, own_registry, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run(page)


def test_the_page_on_primitives_adds_one_that_passes_the_suite(own_registry, capsys):
    before = set(registry._registry)
    run(ROOT / "docs" / "add-a-primitive.md")
    assert set(registry._registry) - before == {"softsign"}
    assert capsys.readouterr().out.split()[:2] == ["0.25", "-0.25"]


def test_a_page_with_a_broken_rule_is_caught(own_registry, tmp_path):
    page = ROOT / "docs" / "add-a-primitive.md"
    with pytest.raises(GradientError):
        run(page, **{"1.0 + abs(x))],": "1.01 + abs(x))],"})


def test_the_table_of_primitives_is_that_of_the_records():
    code = "import runpy; print(runpy.run_path('docs/make_primitives.py')['page'](), end='')"
    made = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    assert made == (ROOT / "docs" / "primitives.md").read_text(encoding="utf-8"), "run `make doc`"


@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])
def test_a_page_has_no_placeholder_and_no_dead_link(page):
    text = page.read_text(encoding="utf-8")
    assert "@@" not in text
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (page.parent / target).exists(), target
