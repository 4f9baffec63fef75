"""Plain pyHanko over a folder of PDF files, as a program of its own: nothing of the house is in its process.

python pyhanko_plain.py FOLDER ROOTS INTERMEDIATES CRLS MOMENT prints JSON: file to field to verdict. Roots,
intermediates and lists are folders of DER files; revocation data are required, as the node requires them.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime
from pathlib import Path

from asn1crypto import crl, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

USAGE = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False)


def loaded(kind: type, folder: str) -> list:
    return [kind.load(file.read_bytes()) for file in sorted(Path(folder).iterdir())]


def verdicts(file: Path, roots: list, others: list, lists: list, moment: datetime) -> dict[str, str]:
    """Field to what plain pyHanko says: "accepted", "content" (good but for the certificate) or "refused"."""
    found = {}
    with file.open("rb") as stream:
        for signature in PdfFileReader(stream).embedded_regular_signatures:
            context = ValidationContext(
                trust_roots=roots,
                other_certs=others,
                crls=lists,
                moment=moment,
                allow_fetching=False,
                revocation_mode="require",
                retroactive_revinfo=True,
            )
            status = validate_pdf_signature(signature, context, context, key_usage_settings=USAGE)
            good = status.intact and status.valid and status.docmdp_ok
            found[signature.field_name] = "accepted" if status.bottom_line else "content" if good else "refused"
    return found


def main() -> None:
    logging.disable(logging.CRITICAL)
    folder, roots, others, lists, moment = sys.argv[1:]
    material = (loaded(x509.Certificate, roots), loaded(x509.Certificate, others), loaded(crl.CertificateList, lists))
    found = {}
    for file in sorted(Path(folder).rglob("*.pdf")):
        try:
            found[file.relative_to(folder).as_posix()] = verdicts(file, *material, datetime.fromisoformat(moment))
        except Exception:  # noqa: BLE001 - what it stumbles over it does not accept
            found[file.relative_to(folder).as_posix()] = {}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
