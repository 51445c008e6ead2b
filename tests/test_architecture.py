"""The shape of the project: reading order, words in both languages, public names, light imports."""

import re
import string
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import tidu
from tidu.words import LANGUAGES, catalogue

ROOT = Path(__file__).resolve().parents[1]
LAYERS = [
    {name.strip() for name in layer.split("|")}
    for layer in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
]


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_reading_order_is_the_layers_contract(readme):
    table = (ROOT / readme).read_text(encoding="utf-8").split("| --- |")[0]
    rows = [set(re.findall(r"`(\w+)`", row.split("|")[1])) for row in table.splitlines() if row.startswith("| `")]
    listed = [row for row in rows if row <= set().union(*LAYERS)]
    assert listed == LAYERS[::-1]


def test_every_phrase_has_every_language_and_the_same_facts():
    assert catalogue()
    for key, phrase in catalogue().items():
        assert set(phrase) == set(LANGUAGES), key
        fields = [{f for _, f, _, _ in string.Formatter().parse(text) if f is not None} for text in phrase.values()]
        assert fields[0] == fields[1], key


def test_every_public_name_exists_and_is_documented():
    for name in tidu.__all__:
        assert getattr(tidu, name).__doc__, name


def test_importing_tidu_imports_nothing_heavy():
    heavy = ("sklearn", "scipy", "llvmlite", "rich", "click", "torch", "jax")
    code = f"import sys, tidu; print([name for name in {heavy!r} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_module_says_what_it_answers():
    for path in (ROOT / "src" / "tidu").rglob("*.py"):
        parts = path.relative_to(ROOT / "src").with_suffix("").parts
        module = import_module(".".join(parts).removesuffix(".__init__"))
        assert module.__doc__, path


def test_a_file_answers_one_question_and_fits_in_400_lines():
    long = {p.name: n for p in (ROOT / "src").rglob("*.py") if (n := len(p.read_text("utf-8").splitlines())) > 400}
    assert not long


def test_no_path_of_a_machine_is_in_the_source():
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "docs").rglob("*.md")]:
        assert not re.search(r"(^|[^.\w])/(home|root|tmp|work)/", path.read_text(encoding="utf-8")), path
