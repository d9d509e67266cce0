"""Problems of exports: formats, scopes, jobs, and the folders they are written to."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_EXPORT = "design 7"

ROWS: tuple[Problem, ...] = (
    Problem(
        "export-empty", Family.NOT_FOUND, _EXPORT,
        "没有可导出的内容", "There is nothing to export",
        "截至日志序号 {position}，所选范围内没有该格式的内容。",
        "As of log position {position}, what was asked for has nothing that this format holds.",
        "换一个对象、账簿或更晚的日志序号。", "Ask for another subject or book, or a later position.",
    ),
    Problem(
        "export-format-unknown", Family.NOT_FOUND, _EXPORT,
        "没有该导出格式", "There is no such export format",
        "没有格式「{format}」；可用：{formats}。", "There is no format {format}; there are {formats}.",
    ),
    Problem(
        "export-format-unfit", Family.MALFORMED, _EXPORT,
        "该格式不能导出所选内容", "The format can't hold what was asked for",
        "格式 {format} 不支持所选对象或版式；版式可用：{layouts}。",
        "The format {format} does not do this subject or layout; its layouts are {layouts}.",
        "换用 csv、ndjson、xlsx 或 parquet。", "Take csv, ndjson, xlsx or parquet.",
    ),
    Problem(
        "export-part-too-large", Family.TOO_LARGE, _EXPORT,
        "工作表过大", "The worksheet grows too large",
        "内容过长，一个工作表容纳不下。", "The texts are so long that a worksheet can't hold the rows.",
        "改用 csv、ndjson 或 parquet。", "Take csv, ndjson or parquet.",
    ),
    Problem(
        "export-subject-without-book", Family.MALFORMED, _EXPORT,
        "未指明账簿", "The subject's book is missing",
        "导出某一对象的资金流向时须指明其所在账簿。", "The trail of one subject is asked for in its book.",
        "注明账簿。", "Name the book.",
    ),
)  # fmt: skip
