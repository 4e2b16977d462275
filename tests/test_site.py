"""The site: complete, all of its links lead somewhere, nothing is fetched, readable by all, and it can be searched."""

import csv
import json
import re

import pytest
from headless import at_widths, opened

from lookinside.course.places import chapter_sources
from lookinside.course.site.build_site import build

pytestmark = pytest.mark.chapters

CODE = re.compile(r"<(script|style)\b.*?</\1>", re.DOTALL)
COMMAND = "COURSE_PROFILE=desk make results"
WIDTHS = [375, 768, 1440]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, made once, as the workflow of a published repository makes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITHUB_REPOSITORY", "someone/course")
        patch.setenv("GITHUB_SERVER_URL", "https://github.com")
        return build(tmp_path_factory.mktemp("made") / "site").parent


@pytest.fixture(scope="module")
def pages(site):
    """Link below the site's folder -> the page's HTML, without pictures; decks too."""
    texts = {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    return {link: re.sub(r'"data:[^"]*"', '"data:"', text) for link, text in texts.items()}


def attributes(text, *names):
    """Values of attributes in the markup, code left out."""
    return re.findall(rf'\s(?:{"|".join(names)})="([^"]*)"', CODE.sub("", text))


def test_every_link_leads_to_a_file_and_a_place_in_it(site, pages):
    ids = {link: set(attributes(text, "id")) for link, text in pages.items()}
    lost = []
    for page, text in pages.items():
        for link in attributes(text, "href", "src", "action"):
            if link.startswith(("https://", "data:")):
                continue
            file, _, anchor = link.partition("#")
            target = (site / page).parent / file if file else site / page
            if not target.resolve().is_file() or site.resolve() not in target.resolve().parents:
                lost.append(f"{page}: {link}")
            elif anchor and anchor not in ids[target.resolve().relative_to(site.resolve()).as_posix()]:
                lost.append(f"{page}: no place {link}")
    assert lost == []
    assert sum(len(attributes(text, "href")) for text in pages.values()) > 1000


def test_nothing_is_fetched(pages):
    for page, text in pages.items():
        assert set(attributes(text, "src", "srcset")) <= {"data:"}, page
        assert "<link" not in CODE.sub("", text), page
        styles = " ".join(re.findall(r"<style>(.*?)</style>", text, re.DOTALL))
        assert not re.search(r"@import|url\((?!['\"]?data:)", styles), page


def test_titles_differ_and_next_and_previous_lead_round(pages):
    own = {page: text for page, text in pages.items() if not page.startswith("slides/")}
    titles = [re.search(r"<title>(.+?)</title>", text)[1] for text in own.values()]
    assert len(set(titles)) == len(titles) and all(text.count("<h1") == 1 for text in own.values())

    def walk(page, way):
        seen = [page]
        while found := re.search(rf'<a class="{way}" href="([^"]*)"', own[page]):
            page = re.sub(r"[^/]+/\.\./", "", (page.rpartition("/")[0] + "/").lstrip("/") + found[1])
            assert page not in seen
            seen.append(page)
        return seen

    there = walk("index.html", "next")
    assert there[1:8] == [f"{source.stem}.html" for source in chapter_sources()] and there[8] == "results.html"
    assert set(there) == set(own) - {"search.html"} and walk(there[-1], "previous") == there[::-1]


def test_downloads_install_from_the_published_address(site, pages):
    notebooks = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(site.glob("student/*.ipynb"))]
    assert len(notebooks) == len(chapter_sources())
    assert all("git+https://github.com/someone/course#egg" in "".join(one["cells"][0]["source"]) for one in notebooks)
    assert "git clone https://github.com/someone/course\n" in pages["index.html"]
    assert pages["index.html"].count("https://mybinder.org/v2/gh/someone/course/HEAD") == len(notebooks)


LOOKED_AT = ["index.html", "00_start_here.html", "results.html", "api/index.html", "api/training.html", "search.html"]


@pytest.mark.parametrize("page", LOOKED_AT)
def test_all_can_read_it_from_phone_to_desktop(page, site, tmp_path):
    for width, (taken, faults, below) in at_widths(site / page, tmp_path, WIDTHS).items():
        assert faults == [] and taken <= width, f"{page} at {width} pixels takes {taken}"
        assert below < 700, f"{page} at {width} pixels begins below the first screen"


@pytest.mark.parametrize(
    ("query", "link"),
    [
        ("gradcam", "api/explain.html#GradCAM"),
        ("Grad-CAM++", "api/explain.html#GradCAMPlusPlus"),
        ("thin-plate spline bending", "03_ct_regions.html"),
        ("Table 4.1", "results.html#table-4-1"),
    ],
)
def test_the_search_finds(query, link, site, pages, tmp_path):
    page = opened(site / "search.html", tmp_path, "?q=" + query.replace(" ", "+").replace("++", "%2B%2B"))
    found = [one["href"] for one in page.select("#found a")]
    assert any(one.startswith(link) for one in found[:3]), found[:5]
    assert page.html.get("data-blocked") is None
    for one in found:
        file, _, anchor = one.partition("#")
        assert not anchor or f'id="{anchor}"' in pages[file]


def test_the_search_says_that_there_is_nothing_and_reads_no_html(site, tmp_path):
    page = opened(site / "search.html", tmp_path, "?q=%3Cimg+src=x%3E+zzz")
    assert page.select("#found li") == [] and page.select_one("#count").text == "0 sections"


def test_every_number_of_the_results_names_its_origin_and_is_in_the_record(site, pages):
    with (site / "results.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) > 300 and {line["chapter"] for line in lines} == {one.stem for one in chapter_sources()[1:]}
    for line in lines:
        assert (
            line["command"].startswith("COURSE_PROFILE=desk make results CHAPTER=")
            and line["dataset"] in line["command"]
        )
        assert not line["low"] or float(line["low"]) <= float(line["mean"]) <= float(line["high"])
    text = pages["results.html"]
    assert text.count('<table class="results">') == text.count(
        '<p class="source"><code>COURSE_PROFILE=desk make results'
    )
    assert set(re.findall(r"Table (\d\.\d+)</a>", text)) == {line["table"] for line in lines}
    # One number, by hand.
    rows = json.loads((site / "results" / "01_anatomy_landmarks.json").read_text(encoding="utf-8"))["rows"]
    mine = [
        row["values"]["accuracy"]
        for row in rows
        if row["network"] == "deeper" and row["dataset"] == "phantoms" and "steps" not in row and "shown" not in row
    ]
    line = next(
        one for one in lines if one["table"] == "1.1" and one["row"] == "deeper" and one["column"] == "accuracy"
    )
    assert float(line["mean"]) == pytest.approx(sum(one[0] for one in mine) / len(mine), abs=1e-6)
    assert (float(line["low"]), float(line["high"])) == (min(one[1] for one in mine), max(one[2] for one in mine))
    assert (
        line["seeds"] == "0 1 2" and "90.4" in re.search(r'id="table-1-1".*?deeper</th>(.*?)</tr>', text, re.DOTALL)[1]
    )
