"""What a number of documents consists of: the quantities that costs are multiplied by. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lienthong.bench.scale.generator import Direction, Document
from lienthong.bench.scale.population import PROVINCE


def mix(documents: Sequence[Document]) -> dict[str, float]:
    """Sums over the documents.

    beyond_only, inside_only, both: documents sent to agencies outside, inside, of both kinds; incoming: from outside.
    inside, beyond: recipients of documents sent; received: recipients of documents from outside. sent_bytes,
    delivered_bytes: of what is sent, and of what reaches agencies inside, once for each document.
    """
    sums: Counter[str] = Counter()
    for one in documents:
        beyond = sum(not code.endswith(PROVINCE) for code in one.recipients)
        inside = len(one.recipients) - beyond
        if one.direction is Direction.INWARD:
            sums += Counter(incoming=1, received=inside, delivered_bytes=one.size)
            continue
        kind = "both" if inside and beyond else "inside_only" if inside else "beyond_only"
        sums += Counter({kind: 1, "inside": inside, "beyond": beyond, "sent_bytes": one.size})
        sums += Counter(delivered_bytes=one.size * bool(inside))
    return {name: float(value) for name, value in sums.items()}
