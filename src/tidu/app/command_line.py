"""How is the command line written that does the same again?"""

from __future__ import annotations

from shlex import quote

__all__ = ["command_line"]


def command_line(name: str, *arguments: str, **given: object) -> str:
    """Return the command line that does the same again, every option spelled out.

    Examples
    --------
    >>> command_line("fit", "my data.csv", target="b", hidden=(4, 2), classify=True, regress=False, k=5)
    "tidu fit 'my data.csv' --target b --hidden 4,2 --classify -k 5"
    """
    words = ["tidu", name, *arguments]
    for option, value in given.items():
        flag = f"-{option}" if len(option) == 1 else "--" + option.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            words.append(flag)
        else:
            words += [flag, ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]
    return " ".join(quote(word) for word in words)
