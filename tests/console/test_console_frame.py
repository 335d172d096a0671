"""What stands around the content of every page."""

import pytest
from reading_pages import Page


@pytest.mark.parametrize(
    ("path", "section", "current"),
    [
        ("/", "Runs", "page"),
        ("/runs/{run}", "Runs", "true"),
        ("/runs/{run}/L01", "Runs", "true"),
        ("/runs/{run}/files/run.json", "Runs", "true"),
        ("/traces", "Traces", "page"),
        ("/compare", "Compare", "page"),
        ("/live", "Live", "page"),
    ],
)
def test_a_page_says_which_section_it_belongs_to(client, bundle, path, section, current):
    links = Page(client.get(path.format(run=bundle.name)).text).all("a")
    told = [(each.text, each.attrs["aria-current"]) for each in links if "aria-current" in each.attrs]
    assert told == [(section, current)]
