"""Problems of payment lists and bank files as they are uploaded. No text and no parameter names a payee."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_WHOLE = "design 3.5"
_ONCE = "design 4"
_TAG = "M13"
_BANK = "design 2 银行回盘"

ROWS: tuple[Problem, ...] = (
    Problem(
        "list-malformed", Family.MALFORMED, _WHOLE,
        "清单填写有误", "The list has faults",
        "清单中有 {count} 处错误，现逐一列出 {listed} 处的位置，没有任何内容被保存。",
        "The list has {count} faults, {listed} of them listed with their places; nothing was stored.",
        "按列出的位置逐处改正后，重新上传整份清单。", "Correct each listed place and upload the whole list again.",
    ),
    Problem(
        "list-refused", Family.REFUSED, _WHOLE,
        "清单不符合规定", "The list breaks rules",
        "清单中有 {count} 处不符合规定，现逐一列出 {listed} 处的位置，没有任何内容被保存。",
        "The list breaks rules in {count} place(s), {listed} of them listed; nothing was stored.",
        "按列出的位置逐处改正或删去，再重新上传。", "Correct or leave out each listed place and upload the list again.",
    ),
    Problem(
        "list-empty", Family.MALFORMED, _WHOLE,
        "清单没有内容", "The list is empty",
        "清单中没有一行内容。", "There is no line in the list.",
        "检查是否选错了文件或工作表；JSON 的行放在规定的数组中。",
        "Check that the right file was chosen; in JSON the lines stand in the array the interface names.",
    ),
    Problem(
        "list-too-long", Family.TOO_LARGE, "list_lines_max",
        "清单行数过多", "The list is too long",
        "清单有 {count} 行，一份清单最多 {most} 行。", "The list has {count} lines; one list holds at most {most}.",
        "分成几份清单上传。", "Split it into several lists.",
    ),
    Problem(
        "line-not-an-object", Family.MALFORMED, "RFC 8259",
        "这一行不是一个对象", "The line is not an object",
        "清单的每一行应是一个 JSON 对象，数字不得超出范围。",
        "Each line is a JSON object, with no number out of range.",
        "按接口文档的格式改写这一行。", "Write the line as the interface document shows it.",
    ),
    Problem(
        "line-field-unknown", Family.MALFORMED, _WHOLE,
        "这一行有不认识的字段", "The line has an unknown field",
        "这一行有接口没有的字段；可用的字段是：{accepted}。为免漏读，不会忽略任何字段。",
        "The line has a field that the interface does not know; these are known: {accepted}. None is ignored.",
        "改正字段名，或删去该字段。", "Correct the field's name or leave it out.",
    ),
    Problem(
        "field-not-text", Family.MALFORMED, _WHOLE,
        "此处须为文本", "This field is a text",
        "此处须以文本给出；数字类型会丢失前导零和末尾几位。",
        "This is given as a string; a number would lose leading zeros and last digits.",
        "给内容加上引号。", "Put it in quotes.",
    ),
    Problem(
        "text-too-long", Family.MALFORMED, _WHOLE,
        "内容过长", "The text is too long",
        "此处最多 {characters} 个字符。", "This field holds at most {characters} characters.",
        "缩短内容。", "Shorten it.",
    ),
    Problem(
        "quantity-malformed", Family.MALFORMED, _WHOLE,
        "数量有误", "The quantity does not fit",
        "数量是 1 至 {maximum} 的整数。", "A quantity is a whole number from 1 to {maximum}.",
        "改为整数；不填即为 1。", "Give a whole number; left out, it is 1.",
    ),
    Problem(
        "payee-listed-twice", Family.MALFORMED, _ONCE,
        "清单中重复列出", "The payee is listed twice",
        "同一收款人已列在 {first}。", "The same payee is listed at {first}.",
        "合并为一行，或删去重复的一行。", "Make one line of the two, or leave one out.",
    ),
    Problem(
        "payee-name-differs", Family.REFUSED, _ONCE,
        "姓名与登记不符", "The name is not the registered one",
        "按所填号码登记的姓名（户为户主姓名，单位为单位名称）与所填的不同。",
        "The name registered under this number (of a household: its head's) is another.",
        "核对号码和姓名；登记有误的，先改正登记。",
        "Check number and name; if the registry is wrong, correct it first.",
    ),
    Problem(
        "cash-not-allowed", Family.REFUSED, "M16",
        "不得发放现金", "Cash is not paid",
        "补助一律转入收款人账户，不发放现金。", "Money goes to the payee's account by transfer, never as banknotes.",
        "支付方式改为转账（transfer），并填写银行卡号。", "Pay by transfer and give the card.",
    ),
    Problem(
        "programme-unknown", Family.MALFORMED, _ONCE,
        "没有这种补助类型", "There is no such programme",
        "所填的补助类型代码不存在。", "The programme's code is unknown.",
        "在补助类型表中查对代码。", "Look the code up in the list of programmes.",
    ),
    Problem(
        "source-named-twice", Family.MALFORMED, _TAG,
        "同一指标列出两次", "An allocation is named twice",
        "资金来源中同一指标出现两次。", "The same allocation is named twice among the sources.",
        "合并为一项。", "Make one of the two.",
    ),
    Problem(
        "line-source-unknown", Family.MALFORMED, _TAG,
        "这一行的指标不在资金来源中", "The line's allocation is none of the sources",
        "这一行所填的指标不是本清单的资金来源，或有几个来源文号相同。",
        "The allocation named here is none of the list's sources, or several of them have this document number.",
        "填写来源之一的指标编号。", "Name one of the sources by its id.",
    ),
    Problem(
        "line-fits-no-source", Family.MALFORMED, _TAG,
        "没有一个来源够付这一行", "No source holds enough for the line",
        "一行只由一个指标支付；没有一个来源的余额够付 {amount} 元。",
        "One line is paid from one allocation, and no source has {amount} yuan left for it.",
        "提高来源的金额，或在各行填写指标，使每个来源正好够付其各行。",
        "Raise a source's amount, or name the allocation on the lines so that each source covers its own.",
    ),
    Problem(
        "payment-list-not-found", Family.NOT_FOUND, _WHOLE,
        "没有这份发放清单", "There is no such payment list",
        "这本账中没有这份发放清单。", "This book has no such payment list.",
        "核对清单编号和账簿代码。", "Check the list's id and the book's code.",
    ),
    Problem(
        "bank-file-malformed", Family.MALFORMED, _WHOLE,
        "回盘文件填写有误", "The bank's file has faults",
        "回盘文件中有 {count} 处错误，现逐一列出 {listed} 处的位置，没有任何内容被保存。",
        "The file has {count} faults, {listed} of them listed with their places; nothing was stored.",
        "按列出的位置逐处改正后，重新上传整份文件。", "Correct each listed place and upload the whole file again.",
    ),
    Problem(
        "bank-file-refused", Family.REFUSED, _BANK,
        "回盘文件与账不符", "The bank's file does not fit the book",
        "回盘文件中有 {count} 处与账不符，现逐一列出 {listed} 处的位置，没有任何内容被保存。",
        "The file does not fit the book in {count} place(s), {listed} of them listed; nothing was stored.",
        "与银行核对列出的各行，改正后重新上传。", "Settle the listed lines with the bank and upload the file again.",
    ),
    Problem(
        "bank-line-number-malformed", Family.MALFORMED, _WHOLE,
        "行号有误", "The line number does not fit",
        "行号是发放清单中的行号，为正整数。", "The line number is that of the payment list, a whole number from 1.",
        "改为清单中的行号。", "Give the line's number in the payment list.",
    ),
    Problem(
        "bank-outcome-unknown", Family.MALFORMED, _BANK,
        "不认识的结果", "The outcome is unknown",
        "结果只能是：{accepted}。", "An outcome is one of: {accepted}.",
        "改为其中之一。", "Use one of these.",
    ),
    Problem(
        "bank-list-missing", Family.MALFORMED, _BANK,
        "没有指明是哪份清单", "It is not said which list is meant",
        "须在整份文件或这一行指明发放清单，或支付凭证。",
        "The payment list, or its entry, is named for the file or for the line.",
        "填写清单编号或凭证编号（二者填一）。", "Give the id of the list or of the entry, one of the two.",
    ),
    Problem(
        "id-malformed", Family.MALFORMED, _WHOLE,
        "编号格式不对", "The id is not well formed",
        "此处应为一个 UUID。", "This is a UUID.",
        "从系统的应答或导出文件中复制。", "Copy it from an answer or an export of the service.",
    ),
    Problem(
        "reason-holds-number", Family.MALFORMED, "design 5",
        "原因中含有号码", "The reason holds a number",
        "退票原因会长期保存并供查阅，不得写入卡号、证件号或电话。",
        "The reason is kept and read by many; no card, identity or phone number belongs in it.",
        "只写原因，例如“账户已销户”。", 'Give the reason only, for example "account closed".',
    ),
    Problem(
        "payment-line-unknown", Family.REFUSED, _BANK,
        "没有这一行支付", "There is no such payment line",
        "这本账中没有这份清单，或清单中没有这一行。", "This book has no such list, or the list has no such line.",
        "核对清单编号和行号。", "Check the list's id and the line number.",
    ),
    Problem(
        "payment-not-posted", Family.REFUSED, _BANK,
        "这一行尚未支付", "The line is not paid yet",
        "这份清单还没有支付入账，银行不会有结果。", "The list was not paid, so the bank can't have a result for it.",
        "核对清单编号。", "Check the list's id.",
    ),
    Problem(
        "bank-line-repeated", Family.MALFORMED, _BANK,
        "同一行出现两次", "A line is there twice",
        "同一行支付已列在 {first}。", "The same payment line is listed at {first}.",
        "只保留一行。", "Keep one of them.",
    ),
    Problem(
        "bank-result-contradicts", Family.REFUSED, _BANK,
        "与已登记的退票矛盾", "The line has come back already",
        "这一行已登记为退票，不能再登记为入账。", "The line is recorded as returned, so it can't be credited any more.",
        "与银行核对；补发的款项另制清单。", "Settle it with the bank; a renewed payment is a list of its own.",
    ),
    Problem(
        "settled-before-payment", Family.REFUSED, _BANK,
        "入账日早于支付日", "Settled before it was paid",
        "银行的处理日期早于支付日 {paid_on}。", "The bank's date is before the payment's ({paid_on}).",
        "改正日期。", "Correct the date.",
    ),
    Problem(
        "settled-in-future", Family.REFUSED, _BANK,
        "入账日晚于今天", "Settled after today",
        "银行的处理日期晚于今天（北京时间）。", "The bank's date is after today (Beijing time).",
        "改正日期。", "Correct the date.",
    ),
)  # fmt: skip
"""Every refusal of an uploaded payment list or bank file."""
