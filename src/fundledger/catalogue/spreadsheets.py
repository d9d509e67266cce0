"""Problems of .xlsx files: the file, its sheet, its cells. What a cell holds is in no text and no parameter."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_WHOLE = "design 3.5"
_EXACT = "design 3.4"
_FILE = "ECMA-376"

ROWS: tuple[Problem, ...] = (
    Problem(
        "xlsx-not-a-workbook", Family.MALFORMED, _FILE,
        "文件不是 XLSX 工作簿", "The file is not an XLSX workbook",
        "文件的内容不是 XLSX 工作簿，只是改了扩展名，或者选错了文件。",
        "What the file holds is no XLSX workbook: its name was changed, or the wrong file was chosen.",
        "用表格软件打开后另存为“Excel 工作簿（.xlsx）”；CSV 文件请以 text/csv 上传。",
        'Open it in a spreadsheet and save it as "Excel workbook (.xlsx)"; upload a CSV file as text/csv.',
    ),
    Problem(
        "xlsx-old-format", Family.MALFORMED, _FILE,
        "文件是旧版 XLS 格式", "The file has the old XLS format",
        "文件是 Excel 97-2003 的 .xls 格式，只是改了扩展名。",
        "The file is an Excel 97-2003 file (.xls) under another name.",
        "用表格软件打开后另存为“Excel 工作簿（.xlsx）”再上传。",
        'Open it in a spreadsheet, save it as "Excel workbook (.xlsx)" and upload that.',
    ),
    Problem(
        "xlsx-encrypted", Family.MALFORMED, _FILE,
        "工作簿设有打开密码", "The workbook is locked by a password",
        "文件已加密，无法读取。", "The file is encrypted and cannot be read.",
        "在表格软件中取消打开密码，保存后重新上传。", "Remove the password in the spreadsheet, save and upload again.",
    ),
    Problem(
        "xlsx-damaged", Family.MALFORMED, _FILE,
        "工作簿已损坏", "The workbook is damaged",
        "文件不完整，或者其中有无法读取的部分。", "The file is incomplete, or part of it cannot be read.",
        "用表格软件打开，另存为新的 .xlsx 文件后上传；打不开的，请重新取得原文件。",
        "Open it in a spreadsheet and save it as a new .xlsx file; if it does not open, get the file again.",
    ),
    Problem(
        "xlsx-macros", Family.MALFORMED, _FILE,
        "工作簿含有宏", "The workbook holds macros",
        "文件中有宏程序，不予接收。", "There is a macro in the file; such files are not taken.",
        "另存为不含宏的“Excel 工作簿（.xlsx）”后上传。", 'Save it as "Excel workbook (.xlsx)" without macros.',
    ),
    Problem(
        "xlsx-too-large", Family.TOO_LARGE, _FILE,
        "工作簿展开后过大", "The workbook is too large once it is unpacked",
        "文件解压后的内容远远超过一份清单所需。", "Unpacked, the file is far larger than any list needs.",
        "把清单复制到一个新建的空白工作簿中（只粘贴数值），再上传。",
        "Copy the list into a new, empty workbook (values only) and upload that.",
    ),
    Problem(
        "sheet-hidden", Family.MALFORMED, _WHOLE,
        "有隐藏的工作表", "There is a hidden sheet",
        "工作表“{sheet}”是隐藏的，其中有内容。", 'The sheet "{sheet}" is hidden and holds something.',
        "取消隐藏并核对；不需要的，删除该工作表。", "Unhide it and look; delete it if it is not needed.",
    ),
    Problem(
        "sheet-not-alone", Family.MALFORMED, _WHOLE,
        "有多张工作表填有内容", "More than one sheet is filled in",
        "除“{first}”外，工作表“{sheet}”也有内容，无法判断以哪一张为准。",
        'Beside "{first}" the sheet "{sheet}" is filled in too; which of them counts cannot be known.',
        "只保留一张有内容的工作表（“填表说明”除外），其余删除或分别上传。",
        "Keep one filled sheet (besides 填表说明); delete the others or upload them apart.",
    ),
    Problem(
        "sheet-header-not-first", Family.MALFORMED, _WHOLE,
        "表头不在第一行", "The header is not in the first row",
        "列名在这一行，而它上方还有标题或空行。", "The column names are in this row; a title or blank row is above it.",
        "删除表头上方的各行，使列名位于第一行，并且只占一行。",
        "Delete the rows above, so that the column names are the first row and one row only.",
    ),
    Problem(
        "sheet-header-twice", Family.MALFORMED, _WHOLE,
        "有两行表头", "There are two header rows",
        "这一行又是表头。", "This row is a header again.",
        "只保留第一行的表头，删除这一行。", "Keep the header of the first row and delete this one.",
    ),
    Problem(
        "sheet-merged-cells", Family.MALFORMED, _WHOLE,
        "有合并的单元格", "Cells are merged",
        "区域 {area} 是合并的，只有左上角的单元格有内容，其余各行会漏读。",
        "The area {area} is merged: only its first cell holds anything, the other rows would be read as empty.",
        "取消合并，逐行填写。", "Unmerge the cells and fill in every row.",
    ),
    Problem(
        "sheet-hidden-row", Family.MALFORMED, _WHOLE,
        "有隐藏的行", "A row is hidden",
        "这一行被隐藏或被筛选掉，但有内容。", "This row is hidden or filtered out, yet filled in.",
        "取消筛选和隐藏并核对；不该发放的，删除该行。",
        "Clear the filter, unhide the row and look; delete it if it does not belong.",
    ),
    Problem(
        "sheet-hidden-column", Family.MALFORMED, _WHOLE,
        "有隐藏的列", "A column is hidden",
        "{letter} 列被隐藏，但属于清单。", "Column {letter} is hidden, yet part of the list.",
        "取消隐藏并核对；不需要的，删除该列。", "Unhide it and look; delete it if it is not needed.",
    ),
    Problem(
        "sheet-blank-rows", Family.MALFORMED, _WHOLE,
        "清单中间有空行", "There are blank rows inside the list",
        "从这一行到第 {last} 行是空的，其后还有内容。",
        "From this row to row {last} nothing is filled in, yet rows follow.",
        "确认没有漏填后，删除空行。", "Make sure that nothing is missing and delete the blank rows.",
    ),
    Problem(
        "cell-beyond-header", Family.MALFORMED, _WHOLE,
        "表头之外有内容", "A cell is filled in beside the header's columns",
        "单元格 {cell} 有内容，而该列没有列名。", "Cell {cell} is filled in, but its column has no name.",
        "删除该单元格的内容，或补上列名。", "Clear the cell, or name its column.",
    ),
    Problem(
        "cell-formula", Family.MALFORMED, _WHOLE,
        "单元格是公式", "The cell is a formula",
        "单元格 {cell} 是公式，其结果可能随其他内容变化，不予接收。",
        "Cell {cell} is a formula; its result may change with something else, so it is not taken.",
        "选中该列，复制后“选择性粘贴—数值”。", 'Copy the column and use "paste special: values".',
    ),
    Problem(
        "cell-error", Family.MALFORMED, _WHOLE,
        "单元格是错误值", "The cell is an error",
        "单元格 {cell} 是 #REF! 之类的错误值。", "Cell {cell} is an error such as #REF!.",
        "填写正确的内容。", "Fill in what belongs there.",
    ),
    Problem(
        "cell-boolean", Family.MALFORMED, _WHOLE,
        "单元格是逻辑值", "The cell is TRUE or FALSE",
        "单元格 {cell} 是 TRUE 或 FALSE。", "Cell {cell} is TRUE or FALSE.",
        "改为本列需要的内容，例如“是”或“否”。", "Fill in what the column needs, for example 是 or 否.",
    ),
    Problem(
        "cell-number-not-text", Family.MALFORMED, _WHOLE,
        "此处须为文本，单元格却是数值", "The cell is a number where a text belongs",
        "单元格 {cell} 被存为数值，编号的前导零会丢失。",
        "Cell {cell} is stored as a number, which loses leading zeros.",
        "把该列的单元格格式设为“文本”，然后重新填写。", "Format the column as text and enter it again.",
    ),
    Problem(
        "cell-digits-lost", Family.MALFORMED, _EXACT,
        "号码被存为数值，末尾几位已丢失", "A long number was stored as a quantity and lost its last digits",
        "单元格 {cell} 被存为数值（如 6.2E+18），表格软件只保留15位有效数字，其后的数字已经丢失，无法还原。",
        "Cell {cell} is stored as a number (such as 6.2E+18); a spreadsheet keeps 15 digits, the others are lost.",
        "把该列的单元格格式设为“文本”，然后对照原件重新填写号码。",
        "Format the column as text and enter the numbers again from the original.",
    ),
    Problem(
        "cell-text-not-number", Family.MALFORMED, _EXACT,
        "数字被存为文本", "A number is stored as text",
        "单元格 {cell} 是文本，而本列须为数值；文本不参与合计，也可能含有看不见的字符。",
        "Cell {cell} is a text, and this column holds numbers; a text is left out of sums and may hide characters.",
        "选中该列，用“分列”或“转换为数字”改为数值。",
        'Convert the column with "text to columns" or "convert to number".',
    ),
    Problem(
        "cell-decimals", Family.MALFORMED, _EXACT,
        "单元格存的小数比显示的多", "The cell holds more decimals than it may show",
        "单元格 {cell} 存有两位以上的小数（例如由计算得来的 0.30000000000000004）；系统不会代为四舍五入。",
        "Cell {cell} holds more than two decimals (such as 0.30000000000000004); nothing is rounded for you.",
        "确定到分的准确数字后直接填写，或用 ROUND(…,2) 后粘贴为数值。",
        "Enter the exact number, or use ROUND(…, 2) and paste the values.",
    ),
    Problem(
        "cell-date-not-wanted", Family.MALFORMED, _WHOLE,
        "单元格是日期", "The cell is a date",
        "单元格 {cell} 是日期，而本列不是；编号如“3-1”会被表格软件改成日期。",
        "Cell {cell} is a date, and this column holds none; a spreadsheet turns a number such as 3-1 into a date.",
        "设好单元格格式后重新填写。", "Format the cell and enter it again.",
    ),
    Problem(
        "cell-text-not-date", Family.MALFORMED, _WHOLE,
        "日期被存为文本", "A date is stored as text",
        "单元格 {cell} 是文本，而本列须为日期；年月日的次序会因此产生歧义。",
        "Cell {cell} is a text, and this column holds dates; the order of day and month would be a guess.",
        "把该列的单元格格式设为“日期”，然后重新填写。", "Format the column as date and enter it again.",
    ),
    Problem(
        "cell-number-not-date", Family.MALFORMED, _WHOLE,
        "单元格是数值而不是日期", "The cell is a number, not a date",
        "单元格 {cell} 是数值，而本列须为日期。", "Cell {cell} is a number, and this column holds dates.",
        "把该列的单元格格式设为“日期”，并核对日期是否正确。", "Format the column as date and check the date.",
    ),
    Problem(
        "cell-not-a-day", Family.MALFORMED, _WHOLE,
        "单元格不是某一天", "The cell is not a day",
        "单元格 {cell} 带有时刻，或者不是有效的日期。", "Cell {cell} has a time of day, or is no valid date.",
        "只填写年月日。", "Give year, month and day only.",
    ),
)  # fmt: skip
