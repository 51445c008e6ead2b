"""How is the command line written that does the same again?"""

from __future__ import annotations

from shlex import quote

__all__ = ["command_line"]


def command_line(name: str, *arguments: str, **given: object) -> str:
    """Return the command line that does the same again, every option spelled out.

    Names become ``--name``, single letters ``-k``; what begins with a minus is an option as it is.

    Examples
    --------
    >>> command_line("fit", "my data.csv", target="b", hidden=(4, 2), classify=True, regress=False, k=5)
    "tidu fit 'my data.csv' --target b --hidden 4,2 --classify -k 5"
    >>> command_line("approximate", "-x", domain=(-1, 1))
    'tidu approximate --domain=-1,1 -- -x'
    """
    options: list[str] = []
    for option, value in given.items():
        if value is None or value is False:
            continue
        flag = _flag(option)
        written = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        if value is True:
            options.append(flag)
        elif written.startswith("-") and flag.startswith("--"):
            options.append(f"{flag}={written}")  # else it would be taken for an option
        else:
            options += [flag, written]
    if any(argument.startswith("-") for argument in arguments):
        words = [*options, "--", *arguments]
    else:
        words = [*arguments, *options]
    return " ".join(map(quote, ["tidu", name, *words]))


def _flag(name: str) -> str:
    if name.startswith("-"):
        return name
    return f"-{name}" if len(name) == 1 else "--" + name.replace("_", "-")
