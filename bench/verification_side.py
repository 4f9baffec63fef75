"""One side of the comparison as a process of its own: paths in, milliseconds of processor time out, line by line.

``plain``: pyHanko as it is installed, nothing of the house in its process but the trust store's loader.
``ours``: the job of a verification worker, JSON in and out included.
"""

from __future__ import annotations

import gc
import json
import logging
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from lienthong.deploy.demo.pki import STORE
from lienthong.signing.trust import load_store


def plain_side(question: dict[str, Any]) -> Callable[[str], bool]:
    """Both signatures with everything required; what it asks for is what the node asks for."""
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    def verify(path: str) -> bool:
        store = load_store(question["trust_folder"], STORE)
        with open(path, "rb") as stream:  # noqa: PTH123 - one handle for the reader
            signatures = PdfFileReader(stream).embedded_regular_signatures
            valid = 0
            for signature in signatures:
                context = ValidationContext(
                    trust_roots=list(store.roots),
                    other_certs=list(store.intermediates),
                    crls=list(store.crls),
                    moment=datetime.fromisoformat(question["now"]),
                    allow_fetching=False,
                    revocation_mode="require",
                    retroactive_revinfo=True,
                )
                valid += validate_pdf_signature(signature, context, context).bottom_line
            return valid == 2

    return verify


def our_side(question: dict[str, Any]) -> Callable[[str], bool]:
    from lienthong.signing.jobs import verify as job

    gc.freeze()
    gc.set_threshold(20_000, 20, 50)  # as worker_main.py
    return lambda path: bool(job({**question, "path": path})["overall"] == "VALID")


def main() -> None:
    logging.disable(logging.CRITICAL)
    side, question = sys.argv[1], json.loads(sys.argv[2])
    verify = {"plain": plain_side, "ours": our_side}[side](question)
    for line in sys.stdin:
        begun = time.process_time()
        valid = verify(line.strip())
        spent = time.process_time() - begun
        print(json.dumps([valid, 1000 * spent]), flush=True)


if __name__ == "__main__":
    main()
