"""Draw the pictures of docs/why-networks-can-stand-for-any-function.md, in both languages, and print its numbers.

python docs/make_pictures.py        (some minutes: it trains about a hundred networks)
"""

from __future__ import annotations

from pathlib import Path

import tidu

NIELSEN = "0.2 + 0.4*x**2 + 0.3*x*sin(15*x) + 0.05*cos(50*x)"
FOLDER = Path(__file__).with_name("pictures")
LANGUAGES = ("en", "zh")


def main() -> None:
    """Approximate Nielsen's function, and write what the page shows."""
    found = tidu.approximate(NIELSEN, (0, 1), (8, 16, 32, 64, 128, 256), seeds=5, n_samples=4096)
    plane = tidu.approximate("sin(3*x)*cos(2*y)", (-1, 1), (32, 128, 512), optimizers=(), failures=False)
    FOLDER.mkdir(exist_ok=True)
    for lang in LANGUAGES:
        for picture in found.pictures:
            write(picture, lang, found.to_svg(picture, lang))
        write("towers", lang, plane.to_svg("target", lang))
    print(found.text())


def write(picture: str, lang: str, svg: str) -> None:
    """Write one picture."""
    (FOLDER / f"approximate-{picture}.{lang}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
