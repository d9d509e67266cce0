"""Problems of exports: formats, scopes, jobs, and the folders they are written to."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_EXPORT = "design 7"

ROWS: tuple[Problem, ...] = (
    Problem(
        "export-empty", Family.NOT_FOUND, _EXPORT,
        "没有可导出的内容", "There is nothing to export",
        "截至日志序号 {position}，所选范围内没有可写成该格式的内容。",
        "As of log position {position}, what was asked for has nothing that this format holds.",
        "换一个对象、账簿或更晚的日志序号。", "Ask for another subject or book, or a later position.",
    ),
    Problem(
        "export-format-unknown", Family.NOT_FOUND, _EXPORT,
        "没有该导出格式", "There is no such export format",
        "没有格式“{format}”；可用：{formats}。", "There is no format {format}; there are {formats}.",
    ),
    Problem(
        "export-format-unfit", Family.MALFORMED, _EXPORT,
        "该格式不能导出所选内容", "The format can't hold what was asked for",
        "格式 {format} 不支持所选对象或版式；版式可用：{layouts}。",
        "The format {format} does not offer this subject or layout; its layouts are {layouts}.",
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
        "导出某一对象的资金流向时须指明其所在账簿。", "The trail of a subject is exported from the book it belongs to.",
        "注明账簿。", "Name the book.",
    ),
    Problem(
        "export-subject-not-one", Family.MALFORMED, _EXPORT,
        "导出对象不唯一", "More than one subject is named",
        "至多指明一个对象：{subjects}；line_no 只与 entry_id 同用。",
        "Name at most one of {subjects}; line_no belongs to entry_id.",
    ),
    Problem(
        "export-option-unknown", Family.MALFORMED, _EXPORT,
        "选项的值不可用", "An option has no such value",
        "版式可用：{layouts}；方向为 up 或 down。", "Layouts are {layouts}; the direction is up or down.",
    ),
    Problem(
        "export-id-malformed", Family.MALFORMED, _EXPORT,
        "编号格式不正确", "Malformed id",
        "{name} 须为 UUID。", "{name} must be a UUID.",
    ),
    Problem(
        "export-needs-a-job", Family.TOO_LARGE, _EXPORT,
        "内容过多，须用导出任务", "Too much for one answer",
        "导出将分成多个文件。", "The export consists of several files.",
        "用 POST /v1/exports 建立导出任务，或缩小范围。", "Make a job with POST /v1/exports, or ask for less.",
    ),
    Problem(
        "exports-busy", Family.UNAVAILABLE, _EXPORT,
        "导出繁忙", "Too many exports are running",
        "正在进行的导出已达上限。", "The maximum number of exports is already running.",
        "稍后再试，或建立导出任务。", "Try again in a moment, or make a job.",
    ),
    Problem(
        "export-too-many", Family.CONFLICT, _EXPORT,
        "未完成的导出任务过多", "Too many open jobs",
        "本单位已有 {maximum} 个未完成的导出任务。", "The unit has {maximum} jobs that have not ended.",
        "等其中一个完成。", "Wait until one of them has.",
    ),
    Problem(
        "export-not-found", Family.NOT_FOUND, _EXPORT,
        "没有该导出任务", "There is no such export",
        "本单位没有该编号的导出任务。", "The unit has no export job of that id.",
    ),
    Problem(
        "export-not-ready", Family.CONFLICT, _EXPORT,
        "导出尚未完成", "The export is not ready",
        "导出任务的状态：{state}。", "The job's state: {state}.",
        "查询进度，完成后再取。", "Ask how far it is, and come back when it is done.",
    ),
    Problem(
        "export-part-not-found", Family.NOT_FOUND, _EXPORT,
        "没有该文件", "There is no such part",
        "该导出没有第 {number} 个文件，或文件已不在。", "The export has no part {number}, or its file is gone.",
        "过期的导出请重新建立任务。", "If the export has expired, make it again.",
    ),
    Problem(
        "export-failed", Family.BUG, _EXPORT,
        "导出出错", "The export failed",
        "程序错误，详见服务日志。", "A bug in the program; the service's log says where.",
    ),
    Problem(
        "export-not-repeatable", Family.BUG, _EXPORT,
        "重做的文件与原文件不同", "A part came out differently when it was written again",
        "文件 {part} 两次写出的内容不同；账本可能被改动。",
        "{part} differs from what it was; the book may have been changed.",
        "运行 fundledger verify --database。", "Run fundledger verify --database.",
    ),
    Problem(
        "export-disk-full", Family.UNAVAILABLE, _EXPORT,
        "磁盘空间不足", "The disk is full",
        "磁盘已满，未完成的文件已删除。", "There is no room for the export; the unfinished file was removed.",
        "清出空间后重试。", "Make room and try again.",
    ),
    Problem(
        "export-folder-unusable", Family.UNAVAILABLE, _EXPORT,
        "导出文件夹不可用", "The export folder can't be used",
        "无法在导出文件夹中写文件。", "Files can't be written to the export's folder.",
        "检查文件夹及其权限。", "Check the folder and its permissions.",
    ),
    Problem(
        "export-name-unsafe", Family.MALFORMED, _EXPORT,
        "文件名不安全", "A file's name is not safe",
        "清单中的文件名不是普通文件名。", "A name in the manifest is not that of a plain file in the folder.",
        "该文件夹不是本程序导出的，或被改动过。", "The folder was not exported by this program, or was changed.",
    ),
    Problem(
        "export-manifest-unreadable", Family.MALFORMED, _EXPORT,
        "清单无法读取", "The manifest can't be read",
        "文件夹中没有可读的 manifest.json。", "There is no readable manifest.json in the folder.",
        "指明导出时所用的文件夹；未完成的导出用同一命令继续。",
        "Name the folder of an export; to go on with an unfinished one, repeat its command.",
    ),
    Problem(
        "export-folder-other", Family.CONFLICT, _EXPORT,
        "文件夹属于另一次导出", "The folder belongs to another export",
        "文件夹中有另一次导出或其他文件。", "The folder holds another export, or other files.",
        "换一个空文件夹，或重复原命令以继续。", "Take an empty folder, or repeat the command that began it.",
    ),
)  # fmt: skip
