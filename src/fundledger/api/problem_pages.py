"""``/problems``: the catalogue of refusals, public: pages for people, JSON for programs; and docs/problems.md.

The `type` of every problem+json body leads here. Texts are shown as templates: {names in braces} are the parameters.
"""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from fundledger.api.problems import language_of, status_of
from fundledger.api.wire import Answer
from fundledger.catalogue import CATALOGUE, Language
from fundledger.errors import Family, Problem, problem

router = APIRouter(prefix="/problems", tags=["problems"])


class ProblemTexts(Answer):
    """What people read, as templates."""

    title: str
    detail: str
    mend: str


class ProblemRow(Answer):
    """One row of the catalogue; `kept`: such a refusal is recorded as evidence."""

    code: str
    status: int
    rule: str
    kept: bool
    zh: ProblemTexts
    en: ProblemTexts

    @classmethod
    def of(cls, row: Problem) -> ProblemRow:
        """The answer about a row."""
        return cls(
            code=row.code, status=status_of(row.code), rule=row.rule, kept=row.family is Family.REFUSED,
            zh=_texts(row, "zh"), en=_texts(row, "en"),
        )  # fmt: skip


PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}


@router.get("", response_model=list[ProblemRow], responses=PAGE)
async def list_problems(request: Request) -> Response:
    """Every refusal fundledger can give (问题目录), by code."""
    rows = [CATALOGUE[code] for code in sorted(CATALOGUE)]
    if _wants_page(request):
        return _page(request, "fundledger", "".join(_article(row, language_of(request)) for row in rows))
    return JSONResponse([ProblemRow.of(row).model_dump() for row in rows])


@router.get("/{code}", response_model=ProblemRow, responses=PAGE)
async def get_problem(code: str, request: Request) -> Response:
    """What a code means, the rule it defends and what would mend it; raises `problem-not-found`."""
    row = CATALOGUE.get(code)
    if row is None:
        raise problem("problem-not-found")
    if _wants_page(request):
        return _page(request, code, _article(row, language_of(request)))
    return JSONResponse(ProblemRow.of(row).model_dump())


def problems_markdown() -> str:
    """The catalogue as docs/problems.md: a table of both languages, by code."""
    lines = [
        "# Problems / 问题目录",
        "",
        "Every refusal, by its stable code. Generated from `src/fundledger/catalogue/` by `scripts/openapi`.",
        "{Names in braces} are parameters. A status in bold is kept as evidence (design 3.11).",
        "",
        "| code | status | rule | 中文 | English |",
        "|---|---|---|---|---|",
    ]
    lines += [_markdown_row(CATALOGUE[code]) for code in sorted(CATALOGUE)]
    return "\n".join(lines) + "\n"


def _markdown_row(row: Problem) -> str:
    status = f"**{status_of(row.code)}**" if row.family is Family.REFUSED else str(status_of(row.code))
    cells = [f"`{row.code}`", status, row.rule, *(_markdown_text(_texts(row, language)) for language in ("zh", "en"))]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _markdown_text(texts: ProblemTexts) -> str:
    return f"**{texts.title}** {texts.detail}" + (f" *{texts.mend}*" if texts.mend else "")


def _texts(row: Problem, language: Language) -> ProblemTexts:
    if language == "zh":
        return ProblemTexts(title=row.title_zh, detail=row.detail_zh, mend=row.mend_zh)
    return ProblemTexts(title=row.title_en, detail=row.detail_en, mend=row.mend_en)


def _wants_page(request: Request) -> bool:
    """Whether a browser asks; programs that accept anything get JSON."""
    return "text/html" in request.headers.get("accept", "")


def _article(row: Problem, language: Language) -> str:
    texts = _texts(row, language)
    return (
        f"<article id='{escape(row.code)}'><h2>{escape(texts.title)}</h2><p>{escape(texts.detail)}</p>"
        f"<p><em>{escape(texts.mend)}</em></p><p><code>{escape(row.code)}</code> · {status_of(row.code)} · "
        f"{escape(row.rule)}</p></article>"
    )


def _page(request: Request, title: str, content: str) -> HTMLResponse:
    language = language_of(request)
    head = f"<meta charset='utf-8'><meta name='viewport' content='width=device-width'><title>{escape(title)}</title>"
    page = f"<!doctype html><html lang='{language}'><head>{head}</head><body><main>{content}</main></body></html>\n"
    return HTMLResponse(page, headers={"Content-Language": language, "Vary": "Accept, Accept-Language"})
