"""Offices and old phones: what we ship is read by a Chromium of 2018 (70), as 360 and QQ kernels still are.

tests/browser/test_offline.py takes away at run time what such a browser does not know.
"""

import re
from pathlib import Path

import pytest
from django.conf import settings

SCRIPTS = sorted(Path(settings.BASE_DIR, "static/js").glob("*.js"))
# Strings, regular expressions and comments say what they like.
SILENT = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'
    |(?<=[=(,:!&|?{};\[])\s*/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[*])+/[a-z]*""",
    re.S | re.X,
)
# Grammar since: one such character and the whole file is not read.
GRAMMAR = {
    "optional chaining": r"\?\.(?!\d)",
    "nullish": r"\?\?",
    "logical assignment": r"(?:&&|\|\|)=",
    "private name or field": r"#[A-Za-z_]",
    "numeric separator": r"\d_\d",
    "big integer": r"\b\d+n\b",
    "class": r"\bclass\s+\w|\bstatic\s*\{",
    "import": r"\bimport\s*[(.]",
    "await outside": r"^await\b",
}
# Functions since: called without asking whether they are there.
NEWER = (
    "replaceChildren|requestSubmit|checkVisibility|showPopover|hidePopover|matchAll|replaceAll|at|findLast"
    "|findLastIndex|toSorted|toReversed|toSpliced|fromEntries|hasOwn|groupBy|allSettled|structuredClone"
    "|queueMicrotask|randomUUID|reportError|setHTMLUnsafe|getHTML|moveBefore|isWellFormed|withResolvers"
)
CALL = re.compile(
    rf"(?:\.|\b)({NEWER})(?:\.apply|\.call)?\s*\(|AbortSignal\.(?:timeout|any)|Promise\.(?:any|try)"
)
ASKED = {("app.js", "requestSubmit")}


def code_of(text: str) -> str:
    return SILENT.sub(" ", text)


def troubles(name: str, text: str) -> list[str]:
    code = code_of(text)
    found = [what for what, sign in GRAMMAR.items() if re.search(sign, code, re.M)]
    called = {call[1] or call[0] for call in CALL.finditer(code)}
    return found + sorted(one for one in called if (name, one) not in ASKED)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_an_old_browser_reads_and_runs_it(script):
    assert troubles(script.name, script.read_text()) == []


LATER = """a?.b  a ?? b  a ||= 1  1_000  10n  import('x')  class A {}  box.replaceChildren()  names.at(-1)
list.replaceChildren.apply(list, left)  crypto.randomUUID()  structuredClone(a)  AbortSignal.timeout(9)"""


@pytest.mark.parametrize("code", re.split(r"  |\n", LATER))
def test_what_came_later_is_noticed(code):
    assert troubles("some.js", f"start();\n{code};\n")


@pytest.mark.parametrize("code", ['"a?.b"', "/a?.b/.test(a)", "a ? .5 : 1", "b // ??"])
def test_words_and_patterns_are_no_code(code):
    assert troubles("some.js", f"const a = {code};\n") == []
