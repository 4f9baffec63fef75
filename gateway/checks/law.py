"""The article of law behind every answer: data of ``schemas/law/answers.yaml``, found by code, citation or question.

An answer that cites an article itself keeps its citation; the table explains it, and fills in where it cites none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from ...signing.answers import FILE_REASONS
from ...signing.report import Answer, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    citation: str
    says: str | None  # in our own words; None: an article that the table does not explain


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """``by_question`` has every question; ``by_code`` the codes with an article of their own."""

    by_question: Mapping[Question, Article]
    by_code: Mapping[str, Article]
    by_citation: Mapping[str, Article]
    whole_file: Article  # behind an answer that stands for a file which could not be checked at all

    def behind(self, answer: Answer) -> Article:
        if answer.legal_basis:
            explained = self.by_citation.get(answer.legal_basis)
            return explained or Article(citation=answer.legal_basis, says=None)
        if answer.code in FILE_REASONS:
            return self.whole_file
        return self.by_code.get(answer.code) or self.by_question[answer.question]


@cache
def load_law() -> Law:
    """The table that is shipped with the package."""
    text = (files("lienthong") / "schemas" / "law" / "answers.yaml").read_bytes()
    table = yaml.safe_load(text)
    articles = {row["key"]: Article(citation=row["citation"], says=row["says"]) for row in table["articles"]}
    return Law(
        by_question={Question(name): articles[key] for name, key in table["questions"].items()},
        by_code={code: articles[key] for code, key in table["codes"].items()},
        by_citation={article.citation: article for article in articles.values()},
        whole_file=articles[table["file"]],
    )
