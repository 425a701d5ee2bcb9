"""What the browser loads is what was reviewed, and comes from this site alone."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from organizations.templatetags.house import CHIP_ICONS, NAV, SPRITE

BASE = Path(settings.BASE_DIR)
VENDOR = BASE / "static" / "vendor"
LOCK = json.loads((VENDOR / "vendor.lock.json").read_text())
TEMPLATES = sorted((BASE / "templates").rglob("*.html"))
OURS = sorted(path for kind in ("css", "js") for path in (BASE / "static").rglob(f"*.{kind}"))
OURS = [path for path in OURS if VENDOR not in path.parents]

# The htmx of django-htmx is not vendored twice; an upgrade that changes it is seen here.
HTMX_VERSION = "2.0.10"

LOADS = r"(?:src|href|action|content|url\(|@import|fetch\(|import)"
ASSET = re.compile(LOADS + r"""\s*[=(]?\s*["']?\s*(?:https?:)?//""", re.I)
INLINE = {
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.I),
    "a style element": re.compile(r"<style\b", re.I),
    "an event attribute": re.compile(r"<[^>]*\son[a-z]+\s*=\s*[\"']", re.I),
    "an inline script": re.compile(r"<script\b(?![^>]*\bsrc=)", re.I),
    "a javascript: address": re.compile(r"javascript:", re.I),
}


def found_in(paths, look) -> dict:
    """What `look` finds in the text of each file, by its name; the files without a finding left out."""
    return {path.relative_to(BASE).as_posix(): found for path in paths if (found := look(path.read_text()))}


@pytest.mark.parametrize("entry", LOCK, ids=[entry["file"] for entry in LOCK])
def test_every_vendored_file_is_the_locked_one(entry):
    content = (VENDOR / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert entry["licence"] == "MIT"
    assert len(base64.b64decode(entry["integrity"].removeprefix("sha512-"))) == 64


def test_nothing_lies_in_vendor_that_the_lock_does_not_name():
    found = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    assert found == {entry["file"] for entry in LOCK} | {"vendor.lock.json"}


def test_vendored_files_point_to_no_source_map():
    assert [e["file"] for e in LOCK if b"sourceMappingURL" in (VENDOR / e["file"]).read_bytes()] == []


def test_the_shipped_htmx_is_the_version_we_tested():
    script = Path(finders.find("django_htmx/htmx-2.min.js")).read_text()
    assert f'version:"{HTMX_VERSION}"' in script


def test_no_page_asks_another_host_for_anything():
    assert found_in(TEMPLATES + OURS, ASSET.findall) == {}


def test_no_template_needs_an_exception_from_the_policy():
    def exceptions(text):
        return [what for what, pattern in INLINE.items() if pattern.search(text)]

    assert found_in(TEMPLATES, exceptions) == {}


def test_every_static_file_a_template_names_exists():
    def missing(text):
        wanted = re.findall(r"\{% static ['\"]([^'\"]+)['\"]", text)
        return [name for name in wanted if finders.find(name) is None]

    assert len(TEMPLATES) > 100 and found_in(TEMPLATES, missing) == {}


def test_the_sprite_holds_every_icon_in_use_and_no_other():
    sprite = Path(finders.find(SPRITE)).read_text()
    have = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    used = set(CHIP_ICONS.values()) | {item[1] for item in NAV}
    for path in TEMPLATES:
        used |= set(re.findall(r"\{% icon ['\"]([^'\"]+)['\"]", path.read_text()))
    for path in BASE.glob("*/admin/week.py"):
        used |= set(re.findall(r'WeekTile\([^"]+"[^"]+", "([^"]+)"', path.read_text()))
    # Every phone carries the whole of it.
    assert used == have


@pytest.mark.parametrize(
    "bad",
    [
        '<p style="color:red">',
        "<style>p{}</style>",
        "<button onclick='go()'>",
        "<script>go()</script>",
    ],
)
def test_the_policy_check_sees_what_it_looks_for(bad):
    assert [what for what, pattern in INLINE.items() if pattern.search(bad)]


@pytest.mark.parametrize(
    "bad",
    [
        '<script src="https://cdn.example/x.js">',
        "<link href='//cdn.example/x.css'>",
        "@import 'http://fonts.example/f';",
        "p{background:url(//x.example/y.png)}",
    ],
)
def test_the_host_check_sees_what_it_looks_for(bad):
    assert ASSET.search(bad)
