"""Whatever is wrong with the input: exit code 2, one line that says so, no traceback, no file half written."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from tests.app.conftest import Run

from tidu.app.one_line import EXIT_BUG, EXIT_INTERRUPTED, OneLineGroup
from tidu.data import open_dataset
from tidu.data.target import read_target
from tidu.errors import DataError, ShapeError


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder of everything that can be wrong with data."""
    np.save(tmp_path / "X.npy", np.arange(20.0).reshape(10, 2))
    np.save(tmp_path / "X3.npy", np.arange(30.0).reshape(10, 3))
    np.save(tmp_path / "y5.npy", np.arange(5.0))
    np.save(tmp_path / "empty.npy", np.empty((0, 3)))
    np.save(tmp_path / "cube.npy", np.zeros((4, 0)))
    np.save(tmp_path / "nan.npy", np.array([[1.0, 2.0], [np.nan, 3.0]] * 10))
    (tmp_path / "ok.csv").write_text("a,b\n" + "".join(f"{i},{i * i}\n" for i in range(30)))
    (tmp_path / "nan.csv").write_text("a,b\n" + "".join(f"{i},{'nan' if i == 7 else i}\n" for i in range(30)))
    (tmp_path / "nan_target.csv").write_text("a,b\n1,2\n2,nan\n3,4\n")
    fractions = [f"{i},{i / 7:.4f}" for i in range(60)]
    (tmp_path / "fractions.csv").write_text("a,b\n" + "\n".join(fractions) + "\n")
    (tmp_path / "misspelled.csv").write_text("a,b\n\n" + "\n".join([*fractions[:9], "9,abc", *fractions[10:]]) + "\n")
    (tmp_path / "same.csv").write_text("a,b\n1,2\n2,2\n3,2\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "header.csv").write_text("a,b\n")
    (tmp_path / "model.safetensors").write_bytes(b"no model")
    (tmp_path / "strange.xyz").write_text("?")
    (tmp_path / "folder").mkdir()
    return tmp_path


BAD = {
    "no such file": "fit {0}/missing.csv --target b",
    "no such bundled name": "fit digitz",
    "unknown column": "fit {0}/ok.csv --target c",
    "no target": "fit {0}/ok.csv",
    "rows of X and y differ": "fit {0}/X.npy --target {0}/y5.npy",
    "empty array": "fit {0}/empty.npy --target 0",
    "no columns": "fit {0}/cube.npy --target 0",
    "NaN in an array": "fit {0}/nan.npy --target 1",
    "NaN in a table": "fit {0}/nan.csv --target a",
    "NaN in the target": "fit {0}/nan_target.csv --target b",
    "one target value": "fit {0}/same.csv --target b",
    "empty table": "fit {0}/empty.csv --target b",
    "table of a header": "fit {0}/header.csv --target b",
    "unknown format": "fit {0}/strange.xyz --target b",
    "folder of nothing": "fit {0}/folder",
    "k too large": "fit {0}/ok.csv --target b -k 1000",
    "unknown model": "fit digits --models tree",
    "bad layers": "fit digits --hidden 10,-3",
    "bad limit": "fit digits --memory-limit much",
    "limit too small": "fit digits --memory-limit 1kB",
    "bad fraction": "fit digits --test-fraction 1.5",
    "bad number": "fit digits --learning-rate fast",
    "loss that diverges": "fit {0}/ok.csv --target b --learning-rate 1e30 --models network",
    "classes asked of many numbers": "fit {0}/big.csv --target a --classify",
    "classes asked of fractions": "fit {0}/fractions.csv --target b --classify",
    "classes and numbers asked": "fit digits --classify --regress",
    "a word among numbers": "fit {0}/misspelled.csv --target b",
    "a word among numbers that are asked": "fit {0}/misspelled.csv --target b --regress",
    "k-NN does not fit the limit": "fit digits --models knn --memory-limit 100kB",
    "unknown language": "--lang fr fit digits",
    "numbers asked of names": "fit iris --regress",
    "out is a file": "fit digits --out {0}/ok.csv",
    "out below a file": "fit digits --out {0}/ok.csv/there",
    "no such command": "learn digits",
    "no such option": "fit digits --quickly",
    "no argument": "fit",
    "no such model": "predict {0}/nothing.safetensors digits",
    "damaged model": "predict {0}/model.safetensors digits",
    "output of unknown kind": "predict {0}/model.safetensors digits --output {0}/a.pkl",
    "output in no folder": "predict {0}/model.safetensors digits --output {0}/no/a.csv",
    "unknown name": "explain x*y x=2",
    "unused value": "explain x*2 x=2 y=3",
    "value given twice": "explain x*2 x=2 x=3",
    "value that is no number": "explain x*2 x=two",
    "attribute": "explain x.real x=1",
    "hidden attribute": "explain x.__class__ x=1",
    "call outside the list": "explain open(x) x=1",
    "import": "explain __import__('os') x=1",
    "tower of powers": "explain 9**9**9**9",
    "parentheses": "explain " + "(" * 10_000 + "x" + ")" * 10_000 + " x=1",
    "nothing": "explain ''",
    "half an expression": "explain x+ x=1",
    "picture of unknown kind": "explain x*2 x=1 --svg {0}/a.png",
    "page in no folder": "explain x*2 x=1 --html {0}/no/a.html",
    "k-NN of different widths": "knn {0}/X.npy {0}/X3.npy",
    "k-NN with too many neighbors": "knn {0}/X.npy {0}/X.npy -k 11",
    "k-NN of nothing": "knn {0}/empty.npy {0}/X3.npy",
    "k-NN with NaN": "knn {0}/nan.npy {0}/X.npy -k 2",
    "k-NN with an unknown distance": "knn {0}/X.npy {0}/X.npy -k 2 --metric far",
    "k-NN with too small a limit": "knn {0}/X.npy {0}/X.npy -k 2 --memory-limit 10",
    "k-NN of a missing file": "knn {0}/X.npy {0}/Y.npy",
    "k-NN into an unknown kind": "knn {0}/X.npy {0}/X.npy -k 2 --output {0}/a.csv",
}


@pytest.mark.parametrize("command", BAD.values(), ids=BAD.keys())
def test_bad_input_gets_one_line_and_exit_code_2(
    command: str, files: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    (files / "big.csv").write_text("a,b\n" + "".join(f"{i},{i}\n" for i in range(1500)))
    before = sorted(files.rglob("*"))
    result = run(*[word.replace("{0}", str(files)) for word in command.split(" ")])
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("tidu: error: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output
    assert len(result.stderr) < 3000
    assert sorted(files.rglob("*")) == before


@pytest.mark.parametrize("asked", [(), ("--regress",)])
def test_a_word_among_numbers_is_named_with_its_line(files: Path, run: Run, asked: tuple[str, ...]) -> None:
    message = run("fit", files / "misspelled.csv", "--target", "b", *asked).stderr
    assert "'abc' in line 12" in message
    assert 'mend it, or give task="classification" (--classify)' in message


def test_many_class_names_of_which_most_are_numbers_are_taken_when_asked(files: Path, run: Run) -> None:
    names = [f"1{i:02d}" if i else "100A" for i in range(25)]
    (files / "codes.csv").write_text("a,b\n" + "".join(f"{i},{names[i % 25]}\n" for i in range(150)))
    common = ("fit", files / "codes.csv", "--target", "b", "--models", "knn", "--out", files / "out")
    assert "'100A' in line 2" in run(*common).stderr
    assert "6 cells are no numbers" in run(*common).stderr
    assert run(*common, "--classify").exit_code == 0


def test_a_word_among_numbers_is_named_by_its_row_where_there_are_no_lines(files: Path) -> None:
    y = np.array([f"{i}.5" for i in range(30)])
    X = np.arange(30.0)[:, None]
    y[4] = "abc"
    with pytest.raises(DataError, match="row 4") as caught:
        read_target(open_dataset((X, y)), None)
    assert caught.value.n_texts == 1
    y[4] = "0.1"
    with pytest.raises(DataError, match="number dtype") as caught:
        read_target(open_dataset((X, y)), None)
    assert caught.value.n_texts == 0


@pytest.mark.parametrize(("models", "limit"), [("linear", 20_000), ("network", 500_000), ("knn", 100_000)])
def test_a_limit_that_is_too_small_is_named_as_it_was_given(files: Path, run: Run, models: str, limit: int) -> None:
    message = run("fit", "digits", "--models", models, "--memory-limit", limit, "--out", files / "new").stderr
    assert f"--memory-limit is {limit:,};" in message
    # Reading rows takes more than these limits allow, whatever the batch.
    assert "--batch-size" not in message


def test_a_real_process_ends_the_same_way(files: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "tidu", "fit", str(files / "nan.csv"), "--target", "a"],
        capture_output=True,
        text=True,
        cwd=files,
        check=False,
    )
    assert found.returncode == 2
    assert found.stderr.startswith("tidu: error: ")
    assert found.stderr.count("\n") == 1
    assert "line 9" in found.stderr


_WRITER = """
import sys
from tidu.app import cli as commands
from tidu.app import writing
from tidu.persistence import atomic_write

@commands.cli.command()
def slow():
    def write(file):
        for _ in range(600):
            file.write(b"half")
            file.flush()
            print("writing", flush=True)
            import time; time.sleep(0.05)
    atomic_write("result.csv", write)

commands.main()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_kill_while_writing_leaves_no_file(tmp_path: Path, number: int, code: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, "slow"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"writing\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert b"Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_has_gone_is_no_error(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", np.arange(5_000.0)[:, None])
    command = [sys.executable, "-m", "tidu", "knn", "X.npy", "X.npy", "-k", "2"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        errors = process.stderr.read()
    assert process.returncode in (0, EXIT_BUG)
    assert b"Traceback" not in errors
    assert b"Exception ignored" not in errors


def _group(error: BaseException) -> OneLineGroup:
    @click.group(cls=OneLineGroup)
    def group() -> None: ...

    @group.command()
    def fail() -> None:
        raise error

    assert isinstance(group, OneLineGroup)
    return group


def test_a_bug_is_called_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIDU_DEBUG", raising=False)
    result = CliRunner().invoke(_group(RuntimeError("oh\nno")), ["fail"])
    assert result.exit_code == EXIT_BUG
    assert result.stderr == "tidu: error: a bug of tidu: RuntimeError: oh no (set TIDU_DEBUG=1 to see where)\n"


def test_a_bug_shows_itself_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDU_DEBUG", "1")
    result = CliRunner().invoke(_group(RuntimeError("oh no")), ["fail"])
    assert isinstance(result.exception, RuntimeError)


def test_control_characters_in_a_message_do_not_reach_the_terminal() -> None:
    result = CliRunner().invoke(_group(ShapeError("file \x1b[31mred\x07\u202e", got=1)), ["fail"])
    assert result.stderr == "tidu: error: file \\x1b[31mred\\x07\\u202e\n"


def test_control_c_gives_130() -> None:
    result = CliRunner().invoke(_group(KeyboardInterrupt()), ["fail"])
    assert result.exit_code == EXIT_INTERRUPTED


def test_help_is_quick_to_load() -> None:
    program = "import sys; from tidu.app import cli; print('sklearn' in sys.modules, 'rich' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]
