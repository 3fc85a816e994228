"""Result files within a page, and out of it again: gzip in base64, in script elements that no browser runs."""
import base64
import binascii
import gzip
import os
import zlib
from html.parser import HTMLParser

from plots.errors import PlotError

TYPE = "application/octet-stream+gzip;base64"


def data_of(result):
    """What the page's template needs to embed the result's file; the same text for the same file."""
    packed = gzip.compress(result.text, 9, mtime=0)
    return {"name": f"{result.label}.json", "type": TYPE, "text": base64.b64encode(packed).decode("ascii")}


class _Page(HTMLParser):
    """Collects (name, text) of the data in a page, however a browser has ordered the attributes when it saved it."""

    def __init__(self):
        super().__init__()
        self.found = []
        self._inside = False

    def handle_starttag(self, tag, attributes):
        about = dict(attributes)
        self._inside = tag == "script" and about.get("type") == TYPE
        if self._inside:
            self.found.append([about.get("data-name") or "", ""])

    def handle_data(self, data):
        if self._inside:
            self.found[-1][1] += data

    def handle_endtag(self, tag):
        self._inside = False


def extract(page, path):
    """[(name, bytes)] of the result files in the bytes of a page; `path` is what errors call it. Throws PlotError."""
    reader = _Page()
    reader.feed(page.decode("utf-8", errors="replace"))
    reader.close()
    if not reader.found:
        raise PlotError(f"{path}: holds no result file: is it a page that scripts/report made?")
    files = []
    for name, text in reader.found:
        name = os.path.basename(name)
        if not name.strip(".") or not name.isprintable():
            raise PlotError(f"{path}: damaged: a result file in it has no usable name")
        try:
            unpacked = gzip.decompress(base64.b64decode("".join(text.split()), validate=True))
        except (binascii.Error, zlib.error, EOFError, OSError) as error:
            raise PlotError(f"{path}: damaged: {name} in it cannot be unpacked: {error}") from None
        if not unpacked:
            raise PlotError(f"{path}: damaged: {name} in it is empty")
        files.append((name, unpacked))
    return files


def extract_all(pages, out, force):
    """Writes the result files of all `pages`, under `out` where there is just one; gives the paths. Throws PlotError
    before anything is written where a file is in the way, unless `force` says otherwise."""
    files = []
    for path in pages:
        try:
            with open(path, "rb") as file:
                page = file.read()
        except OSError as error:
            raise PlotError(f"{path}: cannot be read: {error.strerror}") from None
        files += extract(page, path)
    if out:
        if len(files) > 1:
            raise PlotError(f"--out={out}: there are {len(files)} result files to write; leave --out away")
        files = [(out, files[0][1])]
    names = [name for name, _ in files]
    for name in names:
        if names.count(name) > 1:
            raise PlotError(f"extract {name}: two of the pages have a file of this name; extract them one by one")
        if os.path.exists(name) and not force:
            raise PlotError(f"extract {name}: it exists already; --force replaces it, --out=FILE writes elsewhere")
    for name, text in files:
        try:
            with open(name, "wb") as file:
                file.write(text)
        except OSError as error:
            raise PlotError(f"write {name}: {error.strerror}; --out=FILE writes elsewhere") from None
    return names
