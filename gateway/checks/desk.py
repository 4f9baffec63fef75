"""The desk where one file is checked by hand: for the page /kiem-tra and for POST /v1/checks.

Everything heavy happens in the node's worker processes, at most ``at_once`` of them for this desk, so that documents
under way never wait for people who try things out. Nothing is kept: the file lies in a scratch folder of the call.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from ...edxml.identifiers import OrganCode
from ...signing.policies import default_policy
from ...signing.report import FileReport, Overall
from ...signing.request import VerificationRequest
from ..errors import GatewayError, InputFault
from ..node import Node
from ..pipeline.examination import Rules, rules_for
from ..pipeline.judging import judge
from .outcome import CheckedFile, CheckOutcome, FileKind, Sender, SenderSource
from .outcome_json import facts_from_json, outcome_to_json, sender_from_json
from .rules import annex_policy, overall_of, policies_of
from .senders import registered_sender, told_sender

NODE_NAME: Final = "Nút liên thông văn bản"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """A file as it arrived; ``folder`` is the call's own and goes with it."""

    path: Path
    folder: Path
    name: str
    size: int
    sha256: str
    kind: FileKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the person chose. ``policy`` None: by sender and date. ``sender``: code, name or empty."""

    policy: str | None = None
    sender: str = ""
    day: date | None = None


class CheckDesk:
    """One for each process. Callers come in by ``visit``, so that uploads for checks are few as well."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._bounds = node.settings.check_page
        self._places = asyncio.Semaphore(self._bounds.at_once)
        self._inside = 0

    @contextmanager
    def visit(self) -> Iterator[None]:
        """From the first byte of the file to the last of the answer. Raises CHECKS_TOO_MANY."""
        if self._inside >= self._bounds.at_once + self._bounds.waiting:
            raise GatewayError("CHECKS_TOO_MANY", "Đang có quá nhiều lượt kiểm tra; hãy thử lại sau.", retry_after=5)
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A turn at the workers. Raises CHECK_TIMEOUT."""
        try:
            async with asyncio.timeout(self._bounds.time_limit_s), self._places:
                yield
        except TimeoutError as error:
            raise GatewayError(
                "CHECK_TIMEOUT", "Kiểm tra quá lâu nên đã dừng; hãy thử lại sau.", retry_after=30
            ) from error

    async def check(self, file: HandedIn, asked: Asked) -> CheckOutcome:
        """Raises CHECK_TIMEOUT; for a package that cannot be read the reader's own code."""
        async with self.turn():
            if file.kind is FileKind.PDF:
                return await self._check_pdf(file, asked)
            return await self._check_package(file, asked)

    async def paper(self, outcome: CheckOutcome) -> bytes:
        """The printed report."""
        node = f"{NODE_NAME} {self._node.settings.province_name}".strip()
        async with self.turn():
            drawn = await self._node.verifier.run("check_draw", {"outcome": outcome_to_json(outcome), "node": node})
        return base64.b64decode(drawn["pdf"])

    async def _check_pdf(self, file: HandedIn, asked: Asked) -> CheckOutcome:
        sender = await told_sender(self._node, asked.sender, asked.day)
        report = await self._verify(file.path, file.sha256, sender, asked.policy, await self._rules(sender))
        if sender.source is SenderSource.NONE:
            found = await registered_sender(self._node, report, asked.day)
            if found is not None:
                sender = found
                report = await self._verify(file.path, file.sha256, sender, asked.policy, await self._rules(sender))
        return self._outcome(file, sender, report.overall, (CheckedFile(name=file.name, report=report),))

    async def _check_package(self, file: HandedIn, asked: Asked) -> CheckOutcome:
        settings = self._node.settings
        asking = {
            "path": str(file.path),
            "into": str(file.folder),
            "limits": asdict(settings.limits),
            "peers": [peer.model_dump() for peer in settings.envelope_peers],
        }
        read = await self._node.verifier.run("check_read", asking)
        if "refused" in read:
            raise _refused(read["refused"])
        facts, sender = facts_from_json(read["facts"]), sender_from_json(read["sender"])
        files = await self._attachments(read["attachments"], sender, asked)
        overall = overall_of(facts.findings, [checked.report for checked in files])
        return replace(self._outcome(file, sender, overall, files), package=facts)

    async def _attachments(
        self, attachments: list[dict[str, Any]], sender: Sender, asked: Asked
    ) -> tuple[CheckedFile, ...]:
        rules = await self._rules(sender)
        policies = policies_of(
            [one["pdf"] for one in attachments],
            main=asked.policy or (rules.main.value if rules else default_policy(sender.day)),
            annex=rules.annex.value if rules else annex_policy(sender.day),
        )
        checked = []
        for one, policy in zip(attachments, policies, strict=True):
            report = await self._verify(Path(one["path"]), one["sha256"], sender, policy, rules)
            checked.append(CheckedFile(name=one["name"], report=report))
        return tuple(checked)

    async def _rules(self, sender: Sender) -> Rules | None:
        """Policies and certificates of a sender whose code is known."""
        if sender.code is None:
            return None
        node = self._node
        async with node.db.unit(None) as conn:
            return await rules_for(
                node,
                conn,
                sender=OrganCode(sender.code),
                sender_name=sender.name,
                on=sender.day,
                received_at=node.clock(),
            )

    async def _verify(
        self, path: Path, sha256: str, sender: Sender, policy: str | None, rules: Rules | None
    ) -> FileReport:
        node = self._node
        request = VerificationRequest(
            path=str(path),
            policy=policy or (rules.main.value if rules else default_policy(sender.day)),
            now=node.clock(),
            trust_folder=str(node.trust_folder),
            trust_store=node.settings.signing.trust_store,
            document_date=sender.day,
            sender_code=sender.code,
            sender_name=sender.name,
            registry=rules.registry if rules else (),
            appearance=True,
            sha1_documents_until=node.settings.signing.sha1_documents_until,
        )
        return (await judge(node, request, sha256=sha256, keep=False)).report

    def _outcome(
        self, file: HandedIn, sender: Sender, overall: Overall, files: tuple[CheckedFile, ...]
    ) -> CheckOutcome:
        return CheckOutcome(
            kind=file.kind,
            name=file.name,
            size=file.size,
            sha256=file.sha256,
            checked_at=self._node.clock(),
            trust_store=self._node.settings.signing.trust_store,
            sender=sender,
            overall=overall,
            files=files,
        )


def _refused(refusal: dict[str, Any]) -> GatewayError:
    """The reader's refusal with its findings as faults."""
    faults = [
        InputFault(code=one["code"], place=one.get("xpath") or "", message=one["message"])
        for one in refusal["findings"]
    ]
    return GatewayError(refusal["code"], refusal["message"], faults=faults)
