"""Real papers for the journeys: a TEST PKI and letters signed by its holders, made once per session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from cryptography.x509 import ReasonFlags, load_pem_x509_certificate

from lienthong.deploy.demo.compose import compose_letter
from lienthong.deploy.demo.paper import Box
from lienthong.deploy.demo.pki import STORE, Holder, Pki, load_key, make_pki, write_holders
from lienthong.deploy.demo.texts import review_letter
from lienthong.signing.preparing import SignatureBoxes
from lienthong.signing.producing import Proof, StampImages, sign_document, sign_leader_only
from lienthong.signing.stamps import handwriting_png, seal_png
from lienthong.signing.trust import load_store

SENDER = "000.00.01.H99"  # Sở Khoa học và Công nghệ, of the node
NEIGHBOUR = "000.00.02.H99"  # Sở Tài chính, of the node
OUTSIDE = "000.00.00.H98"  # UBND tỉnh Khác, elsewhere
NAMES = {
    SENDER: "Sở Khoa học và Công nghệ tỉnh Mẫu",
    NEIGHBOUR: "Sở Tài chính tỉnh Mẫu",
    OUTSIDE: "UBND tỉnh Khác",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """Signed letters by number; ``registry`` as the node's table of certificates has it."""

    folder: Path
    now: datetime
    registry: tuple[dict[str, str], ...]

    @property
    def today(self) -> date:
        return (self.now + timedelta(hours=7)).date()

    @property
    def trust(self) -> Path:
        return self.folder / "trust"

    async def signed(self, number: str, *, by: str = SENDER, images: StampImages | None = None) -> Path:
        """A letter with both signatures."""
        target = self.folder / f"{by}-{number}.pdf"
        if not target.exists():
            boxes = self._compose(number, self.folder / f"{by}-{number}-unsigned.pdf")
            await asyncio.to_thread(
                sign_document,
                self.folder / f"{by}-{number}-unsigned.pdf",
                target,
                leader=load_key(self.folder / "keys", f"{by}-leader"),
                agency=load_key(self.folder / "keys", f"{by}-agency"),
                boxes=boxes,
                images=images or _images(),
                proof=self._proof(),
            )
        return target

    async def sealed_in_blue(self, number: str, *, by: str = SENDER) -> Path:
        """Both signatures, and a picture of the seal that is not red."""
        return await self.signed(number, by=by, images=StampImages(leader=_images().leader, seal=_images().leader))

    async def leader_only(self, number: str, *, by: str = SENDER) -> Path:
        """One signature of the two."""
        target = self.folder / f"{by}-{number}-leader.pdf"
        if not target.exists():
            unsigned = self.folder / f"{by}-{number}-unsigned.pdf"
            boxes = self._compose(number, unsigned)
            leader = load_key(self.folder / "keys", f"{by}-leader")
            await asyncio.to_thread(
                sign_leader_only, unsigned, target, leader=leader, boxes=boxes, images=_images(), proof=self._proof()
            )
        return target

    async def altered(self, number: str, *, by: str = SENDER) -> Path:
        """Both signatures, and one byte of the first revision changed afterwards."""
        target = self.folder / f"{by}-{number}-altered.pdf"
        content = bytearray((await self.signed(number, by=by)).read_bytes())
        place = content.index(b"stream") + 20
        content[place] ^= 1
        target.write_bytes(content)
        return target

    def _compose(self, number: str, target: Path) -> SignatureBoxes:
        layout = compose_letter(target, review_letter(number=number, day=self.today))
        return SignatureBoxes(leader=_corners(layout.leader), seal=_corners(layout.seal))

    def _proof(self) -> Proof:
        stamper = make_stamper(self.folder)
        return Proof(timestamper=stamper, store=load_store(str(self.trust), STORE), now=self.now)


def _corners(box: Box) -> tuple[float, float, float, float]:
    return box.x1, box.y1, box.x2, box.y2


def _images() -> StampImages:
    return StampImages(leader=handwriting_png("Hương"), seal=seal_png("TEST"))


_AUTHORITIES: dict[Path, Pki] = {}


def make_stamper(folder: Path) -> object:
    return _AUTHORITIES[folder].timestamper()


@contextmanager
def revoked(papers: Papers, holder: str, trust: Path, *, since: datetime) -> Iterator[None]:
    """Lists in ``trust`` that name the certificate of this holder (``<agency>-leader``)."""
    pki = _AUTHORITIES[papers.folder]
    certificate = load_pem_x509_certificate((papers.folder / "keys" / f"{holder}.cert.pem").read_bytes())
    pki.sub.revoked.append((certificate.serial_number, since, ReasonFlags.key_compromise))
    try:
        pki.write_store(trust)
        yield
    finally:
        pki.sub.revoked.pop()


def make_papers(folder: Path, now: datetime, names: Mapping[str, str] = NAMES) -> Papers:
    """A PKI and holders of both kinds for each of these agencies."""
    pki = make_pki(now)
    holders = [
        Holder(agency_code=code, agency_name=name, person=person)
        for code, name in names.items()
        for person in (None, "Nguyễn Thị Quỳnh Hương")
    ]
    registry = write_holders(pki, folder / "keys", holders)
    pki.write_store(folder / "trust")
    _AUTHORITIES[folder] = pki
    return Papers(folder=folder, now=now, registry=tuple(registry))
