"""What does a person see when something is wrong: one line on standard error and an exit code.

`OneLineGroup` is a click group whose every failure ends this way. This file knows no command.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from types import FrameType
from typing import NoReturn, TypeAlias

import click

from tidu.errors import TiduError

__all__ = ["EXIT_BAD_INPUT", "EXIT_BUG", "EXIT_INTERRUPTED", "EXIT_TERMINATED", "OneLineGroup"]

EXIT_BUG = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143
_DEBUG = "TIDU_DEBUG"
_LONGEST = 2000


_Handler: TypeAlias = Callable[[int, FrameType | None], object] | int | None


class OneLineGroup(click.Group):
    """A group of commands that never ends with a traceback, nor with a file half written."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: object,
    ) -> NoReturn:
        """Run a command and leave the process with its exit code.

        Bad input gives 2, Ctrl-C 130, SIGTERM 143, a bug of tidu 1 (its traceback is shown if the environment
        variable ``TIDU_DEBUG`` is set).
        """
        before = _terminate_by_exception()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                # A terminal that cannot show Chinese gets escapes, not an exception.
                stream.reconfigure(errors="backslashreplace")
        try:
            code: object = click.Command.main(
                self,
                args,
                prog_name or "tidu",
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
            sys.stdout.flush()
        except Exception as error:
            code = _report(error)
        finally:
            if before is not None:
                signal.signal(signal.SIGTERM, before)
        sys.exit(code if isinstance(code, int) else 0)


def _report(error: Exception) -> int:
    """Say what is wrong in one line, and return the exit code."""
    match error:
        case click.Abort():
            _say("stopped")
            return EXIT_INTERRUPTED
        case BrokenPipeError():
            # Who reads has gone; the interpreter must not complain of it again when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_BUG
        case click.UsageError():
            where = error.ctx.command_path if error.ctx is not None else "tidu"
            _say(f"{error.format_message()} (see {where} --help)")
            return EXIT_BAD_INPUT
        case click.ClickException():
            _say(error.format_message())
            return EXIT_BAD_INPUT
        case TiduError():
            _say(str(error))
            return EXIT_BAD_INPUT
        case OSError():
            name = f": {error.filename}" if error.filename else ""
            _say(f"{error.strerror or error}{name}")
            return EXIT_BAD_INPUT
        case MemoryError():
            _say("the memory of this machine does not suffice; give a --memory-limit or less data")
            return EXIT_BAD_INPUT
        case _:
            if os.environ.get(_DEBUG):
                raise error
            _say(f"a bug of tidu: {type(error).__name__}: {error} (set {_DEBUG}=1 to see where)")
            return EXIT_BUG


def _say(message: str) -> None:
    line = " ".join(message.split())
    line = line if len(line) <= _LONGEST else line[:_LONGEST] + " ..."
    # A name in a file may hold characters that drive a terminal.
    printable = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)
    click.echo(f"tidu: error: {printable}", err=True)


def _terminate_by_exception() -> _Handler:
    """Let SIGTERM unwind the stack, so that temporary files are removed; return the handler before."""
    if threading.current_thread() is not threading.main_thread():
        return None

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(EXIT_TERMINATED)

    return signal.signal(signal.SIGTERM, leave)
