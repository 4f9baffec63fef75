"""Where documents are drawn and signed before they travel: a TEST PKI and the project's own signing code.

Software keys: a real leader signs with a token (signing/keys.py has the port).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from ...gateway.cli.printing import VIETNAM
from ...signing.preparing import SignatureBoxes
from ...signing.producing import Proof, StampImages, sign_annex, sign_document, sign_leader_only
from ...signing.stamp_texts import annex_text
from ...signing.stamps import handwriting_png, seal_png
from ...signing.trust import load_store
from .annexes import compose_annex, make_spreadsheet
from .compose import compose_letter
from .letter import Letter
from .paper import Box
from .people import SIGNING, Place
from .pki import STORE, Holder, Pki, load_key, make_pki, write_holders
from .texts import agency_table


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRoom:
    """``papers``: where the signed files are put; keys stay in ``folder``."""

    folder: Path
    papers: Path
    trust: Path
    pki: Pki
    now: datetime
    _boxes: dict[str, SignatureBoxes] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.now.astimezone(VIETNAM).date()

    def certificate(self, place: Place, role: str) -> Path:
        return self.folder / f"{place.code}-{role}.cert.pem"

    def signed(self, name: str, letter: Letter, by: Place) -> Path:
        """Leader and agency: what NĐ 30/2020 asks for."""
        target = self.papers / f"{name}.pdf"
        sign_document(
            self._drawn(name, letter),
            target,
            leader=load_key(self.folder, f"{by.code}-leader"),
            agency=load_key(self.folder, f"{by.code}-agency"),
            boxes=self._boxes[name],
            images=_images(by),
            proof=self._proof(),
        )
        return target

    def leader_only(self, name: str, letter: Letter, by: Place) -> Path:
        """One signature of the two."""
        target = self.papers / f"{name}.pdf"
        key = load_key(self.folder, f"{by.code}-leader")
        unsigned = self._drawn(name, letter)
        sign_leader_only(unsigned, target, leader=key, boxes=self._boxes[name], images=_images(by), proof=self._proof())
        return target

    def altered(self, name: str, letter: Letter, by: Place) -> Path:
        """Signed by both, then one byte of what they signed is changed."""
        target = self.signed(name, letter, by)
        content = bytearray(target.read_bytes())
        content[content.index(b"stream") + 20] ^= 1
        target.write_bytes(content)
        return target

    def annex(self, name: str, by: Place, *, number: str) -> Path:
        """A separate file: the agency signs it at the top right of its first page."""
        unsigned, target = self.folder / f"{name}-unsigned.pdf", self.papers / f"{name}.pdf"
        layout = compose_annex(unsigned, agency_table())
        sign_annex(
            unsigned,
            target,
            agency=load_key(self.folder, f"{by.code}-agency"),
            box=_corners(layout.stamp),
            text=annex_text(number, self.now),
            proof=self._proof(),
        )
        return target

    def spreadsheet(self, name: str) -> Path:
        target = self.papers / f"{name}.xlsx"
        make_spreadsheet(target, agency_table())
        return target

    def _drawn(self, name: str, letter: Letter) -> Path:
        unsigned = self.folder / f"{name}-unsigned.pdf"
        layout = compose_letter(unsigned, letter)
        self._boxes[name] = SignatureBoxes(leader=_corners(layout.leader), seal=_corners(layout.seal))
        return unsigned

    def _proof(self) -> Proof:
        store = load_store(str(self.trust), STORE)
        return Proof(timestamper=self.pki.timestamper(), store=store, now=self.now)


def open_signing_room(folder: Path, papers: Path, trust: Path, now: datetime) -> SigningRoom:
    """Make the PKI, the keys of everybody who signs, and the trust store that the node reads."""
    pki = make_pki(now)
    holders = [
        Holder(agency_code=place.code, agency_name=place.name, person=person)
        for place in SIGNING
        for person in (None, place.leader)
    ]
    write_holders(pki, folder, holders)
    pki.write_store(trust)
    return SigningRoom(folder=folder, papers=papers, trust=trust, pki=pki, now=now)


def _corners(box: Box) -> tuple[float, float, float, float]:
    return box.x1, box.y1, box.x2, box.y2


def _images(by: Place) -> StampImages:
    return StampImages(leader=handwriting_png(by.leader.split()[-1]), seal=seal_png(by.name.split(" tỉnh ")[0]))
