"""The shape of the house: who may import whom, and what is not used at all."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

APPS = ["organizations", "campaigns", "attendance", "reports"]

# Inside an app, left to right: whoever stands right may import what stands left.
LAYERS = ["models", "queries", "services", "tasks", "views", "urls"]
# Beside a layer, not before it.
PLACES = {"forms": "services", "admin": "views", "management": "views"}

FORBIDDEN_NAMES = {"utils", "common", "helpers", "misc", "signals"}
FORBIDDEN_IMPORTS = ("django.db.models.signals", "django.dispatch", "django.core.signals")

FILES = [
    (app, path.relative_to(settings.BASE_DIR))
    for app in APPS
    for path in sorted(Path(settings.BASE_DIR, app).rglob("*.py"))
]


def tree_of(path: Path) -> ast.Module:
    return ast.parse(Path(settings.BASE_DIR, path).read_text(encoding="utf-8"))


def imported_modules(tree: ast.AST) -> Iterator[str]:
    """`from a.b import c` yields a.b and a.b.c: c may be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that this test can read them"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer_of(module: str) -> str | None:
    """organizations.services.jobs -> services; None for what every layer may use (apps, fields, tree)."""
    parts = module.split(".")
    if len(parts) < 2:
        return None
    name = PLACES.get(parts[1], parts[1])
    return name if name in LAYERS else None


def wrong_imports(rule) -> list[str]:
    return [
        f"{path}: {module}"
        for app, path in FILES
        for module in imported_modules(tree_of(path))
        if rule(app, path, module)
    ]


def test_an_app_imports_only_apps_to_its_left():
    def goes_right(app, path, module):
        return module.split(".")[0] in APPS[APPS.index(app) + 1 :]

    assert wrong_imports(goes_right) == []


def test_inside_an_app_imports_run_from_models_to_urls():
    def goes_right(app, path, module):
        mine = layer_of(".".join(path.with_suffix("").parts))
        other = layer_of(module) if module.split(".")[0] == app else None
        if mine is None or other is None:
            return False
        return LAYERS.index(other) > LAYERS.index(mine)

    assert wrong_imports(goes_right) == []


def test_no_import_stands_inside_a_function():
    inside = [
        f"{path}:{node.lineno}"
        for _, path in FILES
        for function in ast.walk(tree_of(path))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inside == []


def test_no_app_uses_signals():
    assert wrong_imports(lambda app, path, module: module.startswith(FORBIDDEN_IMPORTS)) == []


def test_no_module_is_a_drawer_for_everything():
    assert [str(path) for _, path in FILES if set(path.with_suffix("").parts) & FORBIDDEN_NAMES] == []


def test_the_project_package_is_imported_for_the_celery_app_only():
    """Settings, urls and middleware stand outside the apps; the apps do not reach back into them."""
    allowed = ("haizhou_training.celery",)

    def reaches_back(app, path, module):
        return module.startswith("haizhou_training.") and not module.startswith(allowed)

    assert wrong_imports(reaches_back) == []


@pytest.mark.parametrize("folder", [*APPS, "haizhou_training", "scripts", "tests"])
def test_files_stay_readable(folder):
    """At 400 lines a module is split by noun."""
    long = [
        f"{path} ({lines})"
        for path in sorted(Path(settings.BASE_DIR, folder).rglob("*.py"))
        if "migrations" not in path.parts
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    ]
    assert long == []
