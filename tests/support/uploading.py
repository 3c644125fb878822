"""What the tests of uploaded files share: forms as browsers send them, and what comes back."""

import re
from html import unescape
from pathlib import Path

from starlette.testclient import TestClient

import examples
from tests.support.web import Page

CUSTOMERS = (Path(examples.__file__).parent / "customers.csv").read_bytes()
HEADER = b"Total_Revolving_Bal,Total_Trans_Amt,Total_Trans_Ct\n"
BOUNDARY = "x" * 20
FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def kept(temporary: Path) -> list[Path]:
    """The runs that are kept, and whatever else lies about."""
    return [path for root in temporary.iterdir() for path in root.iterdir()]


def post(browser: TestClient, content: bytes, name: str = "a.csv", status: int = 200) -> Page:
    answer = browser.post("/files", files={"file": (name, content)})
    assert answer.status_code == status, answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    return Page(answer.text)


def part(disposition: bytes, content: bytes = b"1") -> bytes:
    head = b"Content-Disposition: form-data; " + disposition
    return b"--" + BOUNDARY.encode() + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--" + BOUNDARY.encode() + b"--\r\n"


def words(page: Page) -> str:
    """What is read, with a blank between the cells of tables as well."""
    return " ".join(unescape(re.sub("<[^>]*>", " ", page.html)).split())


def told(page: Page) -> str:
    return " ".join(page.one("div", role="alert").text.split())


def downloads(page: Page) -> dict[str, str]:
    """The files of a run by their names, from the list of all of them."""
    listed = page.html[page.html.index('<ul class="card downloads">') :]
    addresses = re.findall(r'href="([^"]*/files/[^"]*)"', listed)
    return {address.rpartition("/")[2]: address for address in addresses}
