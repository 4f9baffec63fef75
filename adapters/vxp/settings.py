"""Settings of one VXP channel: base address, system id, key, time limits, bounds."""

from __future__ import annotations

from dataclasses import dataclass, field

from .protocol import HashForm

MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class VxpSettings:
    """One channel. Times in seconds, sizes in bytes."""

    base_url: str  # e.g. http://127.0.0.1:8080/XrdAdapter/adapter; a final slash is allowed
    system_id: str  # mã trung tâm (00.NN.W00) or, on a shared axis, the agency's code
    secret: str = field(repr=False)  # used as UTF-8 text, never base64-decoded
    name: str = "vxp"
    hash_form: HashForm = HashForm.UNPADDED
    connect_seconds: float = 5.0  # until the connection stands
    read_seconds: float = 30.0  # longest silence while an answer is awaited
    total_seconds: float = 60.0  # one whole call without a package
    seconds_per_mb: float = 2.0  # added to the total for each megabyte sent or fetched
    max_answer: int = MEGABYTE  # a JSON answer without a list
    max_list: int = 64 * MEGABYTE  # a list; 111,000 agencies take about 20 MB
    max_getedoc: int = 10 * MEGABYTE  # largest package taken through getEdoc when downloadEdoc fails
    max_package: int = 500 * MEGABYTE
    max_to_header: int = 100  # more recipients than this: the header ``to`` is left out, the envelope routes
    qd20_list: bool = True  # also ask for the list that joins QĐ 20/2020 codes to QCVN 102 codes
    connections: int = 20
