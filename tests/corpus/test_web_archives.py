"""Web archives: the texts of WET files and the text responses of WARC files, packed in any way."""

import io
from pathlib import Path

import pytest
import zstandard
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from gem_core.corpus import ReadOptions, read_corpus
from gem_core.errors import CorpusError

BEES, TEA = "bees dance in circles", "tea is picked by hand"


def web_archive(path: Path, compressed: bool) -> None:
    """A page as Common Crawl keeps it, in a WET and a WARC record, between records that are no documents."""
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=compressed)
        writer.write_record(writer.create_warcinfo_record("x.warc", {"software": "test"}))
        head = {"WARC-Identified-Content-Language": "eng"}
        for number, text in enumerate((BEES, "x" * 3000 + " long text here", TEA)):
            record = writer.create_warc_record(
                f"http://e.org/{number}", "conversion", io.BytesIO(text.encode()), warc_headers_dict=head
            )
            writer.write_record(record)
        for kind, status in (
            ("text/html; charset=ISO-8859-1", "200 OK"),
            ("image/png", "200 OK"),
            ("text/html", "404 No"),
        ):
            http = StatusAndHeaders(status, [("Content-Type", kind)], protocol="HTTP/1.0")
            body = io.BytesIO("<p>Hönig keeps for years</p>".encode("latin-1"))
            writer.write_record(writer.create_warc_record("http://e.org/h", "response", body, http_headers=http))


@pytest.mark.parametrize("name", ["a.warc.wet.gz", "a.warc", "a.warc.zst", "archive"])
def test_web_archives_are_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    web_archive(path, compressed=name.endswith("gz"))
    if name.endswith("zst"):
        path.write_bytes(zstandard.ZstdCompressor().compress(path.read_bytes()))
    corpus = read_corpus(path, counter="words", options=ReadOptions(longest_row=2000))
    assert corpus.documents["text"].tolist() == [BEES, TEA, "<p>Hönig keeps for years</p>"]
    assert corpus.documents["url"].tolist() == ["http://e.org/0", "http://e.org/2", "http://e.org/h"]
    assert corpus.documents["language"].tolist()[:2] == ["eng", "eng"]
    assert corpus.documents["id"].str.startswith("urn:uuid:").all()
    assert corpus.refused_counts == {"too_long": 1}


def test_a_web_archive_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wet.gz"
    web_archive(path, compressed=True)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(CorpusError, match="whole"):
        read_corpus(path, counter="words")
