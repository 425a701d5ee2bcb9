#!/usr/bin/env python3
"""Writes organizations/readings.txt: the first letter of each character's reading, from pypinyin.

    python scripts/readings.py

pypinyin holds words with tones, 57 MB in every process; initials of names need one
letter for each of 42,000 characters.
"""

from pathlib import Path

from pypinyin import Style, lazy_pinyin, pinyin_dict

TARGET = Path(__file__).resolve().parent.parent / "organizations/readings.txt"
NONE = "."
GAP = 500


def letter(text: str) -> str:
    first = lazy_pinyin(text, style=Style.NORMAL, errors=lambda _: [NONE])[0][:1].lower()
    return first if "a" <= first <= "z" else NONE


def blocks(codes: list[int]) -> list[tuple[int, int]]:
    """Runs of neighbouring characters; a gap shorter than GAP belongs to its run."""
    found = [(codes[0], codes[0])]
    for code in codes[1:]:
        start, end = found[-1]
        if code - end < GAP:
            found[-1] = (start, code)
        else:
            found.append((code, code))
    return found


def main() -> None:
    one = {code: letter(chr(code)) for code in sorted(pinyin_dict.pinyin_dict)}
    lines = [
        "# Written by scripts/readings.py from pypinyin (MIT): a character's number, letters from it on."
    ]
    for start, end in blocks(list(one)):
        lines.append(f"{start:X} {''.join(one.get(code, NONE) for code in range(start, end + 1))}")
    TARGET.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
