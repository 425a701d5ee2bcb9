import pytest

from organizations.imports import process
from tests.organizations.nursery import Nursery

# About the process itself, or about files that are out to harm it: started as in production.
STARTED_ANEW = ("process", "hostile", "files", "formats", "large")


@pytest.fixture(scope="session")
def nursery():
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture(autouse=True)
def quick_parsing(request, monkeypatch):
    """Starting a Python for each file took longer than reading it."""
    name = request.module.__name__.rpartition("test_import_")[2]
    if "test_import_" in request.module.__name__ and name not in STARTED_ANEW:
        monkeypatch.setattr(process, "subprocess", request.getfixturevalue("nursery"))
