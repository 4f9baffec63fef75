"""The documents of the benches: real letters with both signatures, of four sizes, signed by a TEST PKI of the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from lienthong.deploy.demo.compose import compose_letter
from lienthong.deploy.demo.paper import Box
from lienthong.deploy.demo.pki import STORE, Holder, Pki, load_key, make_pki, write_holders
from lienthong.deploy.demo.texts import review_letter
from lienthong.signing.preparing import SignatureBoxes
from lienthong.signing.producing import Proof, StampImages, sign_document
from lienthong.signing.stamps import handwriting_png, seal_png
from lienthong.signing.trust import load_store

SENDER = "000.00.01.H99"  # of the node
OUTSIDE = "000.00.00.G99"  # elsewhere; answers nothing
NAMES = {SENDER: "Sở Khoa học và Công nghệ tỉnh Mẫu", OUTSIDE: "Bộ Mẫu"}
VIETNAM_HOURS = timedelta(hours=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """``pad``: bytes the letter is grown to before it is signed; ``variants``: different files of this size."""

    name: str
    pad: int
    variants: int
    plain: bool = False


SIZES = (
    Size(name="24 KB", pad=0, variants=8, plain=True),
    Size(name="200 KB", pad=120_000, variants=8),
    Size(name="5 MB", pad=4_900_000, variants=2),
    Size(name="50 MB", pad=49_000_000, variants=1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    folder: Path
    now: datetime
    registry: Sequence[dict[str, str]]

    @property
    def today(self) -> date:
        return (self.now + VIETNAM_HOURS).date()

    @property
    def trust(self) -> Path:
        return self.folder / "trust"

    def signed(self, size: Size, *, by: str) -> list[Path]:
        """The files of this size."""
        return [self.folder / f"{by}-{size.pad}-{variant}.pdf" for variant in range(size.variants)]


def make_papers(folder: Path, now: datetime, sizes: Sequence[Size], *, by: str) -> Papers:
    """Issue certificates, compose and sign."""
    folder.mkdir(exist_ok=True)
    pki = make_pki(now)
    holders = [
        Holder(agency_code=code, agency_name=name, person=person)
        for code, name in NAMES.items()
        for person in (None, "Nguyễn Thị Quỳnh Hương")
    ]
    registry = write_holders(pki, folder / "keys", holders)
    pki.write_store(folder / "trust")
    papers = Papers(folder=folder, now=now, registry=registry)
    for size in sizes:
        for number, target in enumerate(papers.signed(size, by=by), start=1):
            _sign(papers, pki, size, f"{number:02d}", target, by)
    return papers


def _sign(papers: Papers, pki: Pki, size: Size, number: str, target: Path, by: str) -> None:
    unsigned = target.with_suffix(".unsigned.pdf")
    letter = replace(review_letter(number=number, day=papers.today), plain=size.plain)
    layout = compose_letter(unsigned, letter, pad_to=size.pad)
    sign_document(
        unsigned,
        target,
        leader=load_key(papers.folder / "keys", f"{by}-leader"),
        agency=load_key(papers.folder / "keys", f"{by}-agency"),
        boxes=SignatureBoxes(leader=_corners(layout.leader), seal=_corners(layout.seal)),
        images=StampImages(leader=handwriting_png("Hương"), seal=seal_png("TEST")),
        proof=Proof(timestamper=pki.timestamper(), store=load_store(str(papers.trust), STORE), now=papers.now),
    )
    unsigned.unlink()


def _corners(box: Box) -> tuple[float, float, float, float]:
    return box.x1, box.y1, box.x2, box.y2
