"""One browser for all tests of pages: it takes a second or two to begin."""

import pytest

from tests.web.browser import open_browser


@pytest.fixture(scope="session")
def browser():
    with open_browser() as browser:
        yield browser
