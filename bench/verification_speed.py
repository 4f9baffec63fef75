"""Verification of 200 KB letters with two B-LT signatures against pyHanko as it is installed: same files, taking turns.

Each file is seen once by each side; the signers' certificates come again in every file, the timestamps differ.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from lienthong.deploy.demo.compose import compose_letter
from lienthong.deploy.demo.paper import Box
from lienthong.deploy.demo.pki import STORE, Holder, make_pki
from lienthong.deploy.demo.texts import review_letter
from lienthong.signing.preparing import SignatureBoxes
from lienthong.signing.producing import Proof, StampImages, sign_document
from lienthong.signing.report import Overall, SignerRole
from lienthong.signing.request import RegisteredCertificate, VerificationRequest, request_to_json
from lienthong.signing.stamps import handwriting_png, seal_png
from lienthong.signing.trust import load_store
from lienthong.signing.verifying import VerificationPool, VerificationSettings

SENDER, NAME, PERSON = "000.00.01.H99", "Sở Khoa học và Công nghệ tỉnh Mẫu", "Nguyễn Thị Quỳnh Hương"
PAD = 120_000  # the letter before it is signed; about 200 KB after
WARM = 4  # files that both sides see first and that do not count
REPEATS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Letters:
    files: Sequence[Path]
    request: VerificationRequest  # but for the path

    @property
    def bytes_each(self) -> float:
        return statistics.mean(file.stat().st_size for file in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationFigures:
    """Milliseconds, medians. ``plain`` and ``ours``: processor time at first sight; ``repeated``: clock time."""

    files: int
    bytes_each: float
    plain: float
    ours: float
    repeated: float

    @property
    def ratio(self) -> float:
        return self.plain / self.ours


def make_letters(folder: Path, count: int) -> Letters:
    """Signed during the hours before now, by one leader and one agency, under lists of yesterday."""
    now = datetime.now(UTC).replace(microsecond=0)
    pki = make_pki(now - timedelta(days=1))
    pki.write_store(folder)
    person = pki.issue(Holder(agency_code=SENDER, agency_name=NAME, person=PERSON))
    office = pki.issue(Holder(agency_code=SENDER, agency_name=NAME))
    store, images = load_store(str(folder), STORE), StampImages(leader=handwriting_png("Hương"), seal=seal_png("TEST"))
    files = [folder / f"letter-{number}.pdf" for number in range(count)]
    for number, file in enumerate(files):
        moment = now - timedelta(minutes=7 * number + 3)
        draft = folder / "draft.pdf"
        letter = replace(review_letter(number=f"{number}", day=moment.date()), plain=False)
        layout = compose_letter(draft, letter, pad_to=PAD)
        sign_document(
            draft,
            file,
            leader=person.software_key(),
            agency=office.software_key(),
            boxes=SignatureBoxes(leader=_corners(layout.leader), seal=_corners(layout.seal)),
            images=images,
            proof=Proof(timestamper=pki.timestamper(moment), store=store, now=moment),
        )
    registry = (
        RegisteredCertificate(sha256=person.sha256, agency_code=SENDER, role=SignerRole.LEADER),
        RegisteredCertificate(sha256=office.sha256, agency_code=SENDER, role=SignerRole.AGENCY),
    )
    request = VerificationRequest(
        path="",
        policy="ND30",
        now=now,
        trust_folder=str(folder),
        trust_store=STORE,
        sender_code=SENDER,
        registry=registry,
    )
    return Letters(files=files, request=request)


def _corners(box: Box) -> tuple[float, float, float, float]:
    return box.x1, box.y1, box.x2, box.y2


class Side:
    """A process that judges one file after another."""

    def __init__(self, name: str, question: dict[str, Any]) -> None:
        command = [sys.executable, "-m", "lienthong.bench.verification_side", name, json.dumps(question)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def milliseconds(self, file: Path) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{file}\n")
        self._process.stdin.flush()
        valid, spent = json.loads(self._process.stdout.readline())
        assert valid, f"{file} is not valid"
        return float(spent)

    def close(self) -> None:
        self._process.communicate()


def compare_verification(letters: Letters) -> VerificationFigures:
    question = request_to_json(letters.request)
    sides = {name: Side(name, question) for name in ("plain", "ours")}
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for number, file in enumerate(letters.files):
        for name in sorted(sides, reverse=bool(number % 2)):
            took = sides[name].milliseconds(file)
            if number >= WARM:
                spent[name].append(took)
    for side in sides.values():
        side.close()
    return VerificationFigures(
        files=len(letters.files) - WARM,
        bytes_each=letters.bytes_each,
        plain=statistics.median(spent["plain"]),
        ours=statistics.median(spent["ours"]),
        repeated=asyncio.run(_repeated(letters)),
    )


async def _repeated(letters: Letters) -> float:
    """The node's own way: a verdict remembered by digest, policy and evidence."""
    file = letters.files[0]
    digest, asked = sha256(file.read_bytes()).hexdigest(), replace(letters.request, path=str(file))
    async with VerificationPool(VerificationSettings(workers=1)) as pool:
        assert (await pool.verify(asked, sha256=digest)).overall is Overall.VALID
        times = []
        for _ in range(REPEATS):
            begun = time.perf_counter()
            await pool.verify(asked, sha256=digest)
            times.append(time.perf_counter() - begun)
    return 1000 * statistics.median(times)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        figures = compare_verification(make_letters(Path(folder), 44))
    print(f"{figures.files} tệp {figures.bytes_each / 1000:.0f} kB, trung vị CPU")
    print(f"pyHanko {figures.plain:.1f} ms, nút {figures.ours:.1f} ms")
    print(f"lần đầu thấy: nhanh gấp {figures.ratio:.2f}; thấy lại: {figures.repeated:.3f} ms")


if __name__ == "__main__":
    main()
