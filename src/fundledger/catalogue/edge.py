"""Problems of the edge: unreadable requests, keys, paging, routes, limits, and the service's own faults."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_HTTP = "RFC 9110"
_ONCE = "design 3.6"
_BOUND = "design 7"

ROWS: tuple[Problem, ...] = (
    Problem(
        "request-invalid", Family.MALFORMED, _BOUND,
        "请求内容有误", "The request has faults",
        "请求中有 {count} 处错误，已逐一列出，没有任何内容被保存。",
        "The request has {count} faults, each listed with its place; nothing was stored.",
        "按列出的位置逐处改正后重新提交。", "Correct each listed place and send the request again.",
    ),
    Problem(
        "field-invalid", Family.MALFORMED, _BOUND,
        "字段内容不符合要求", "A field does not fit",
        "该处内容不符合接口规定：{reason}。", "This place does not fit the interface: {reason}.",
        "对照接口文档改正该字段。", "Correct the field as the interface document says.",
    ),
    Problem(
        "field-missing", Family.MALFORMED, _BOUND,
        "缺少必填内容", "A required field is missing",
        "此处必须填写，不能省略。", "This field is required.",
        "补上该字段。", "Add the field.",
    ),
    Problem(
        "field-unknown", Family.MALFORMED, _BOUND,
        "有多余的字段", "There is a field nobody knows",
        "接口没有这个字段；为避免拼写错误造成遗漏，不予忽略。",
        "The interface has no such field; it is not ignored, so that a misspelt one is not lost.",
        "核对字段名，或去掉该字段。", "Check the field's name, or leave it out.",
    ),
    Problem(
        "value-unstorable", Family.MALFORMED, _BOUND,
        "内容无法保存", "A value can't be stored",
        "请求中有超出范围的数字或日期，或不能保存的字符。",
        "A number or date is out of range, or a character can't be stored.",
        "检查请求中的数字、日期和特殊字符。", "Check the numbers, dates and special characters of the request.",
    ),
    Problem(
        "request-unreadable", Family.MALFORMED, "RFC 8259",
        "请求无法读取", "The request can't be read",
        "请求正文不是完整、正确的 JSON，或不是所注明的格式。",
        "The body is not well-formed JSON, or not what it says it is.",
        "检查引号、逗号和括号是否成对，编码是否为 UTF-8。",
        "Check quotes, commas and brackets, and that the text is UTF-8.",
    ),
    Problem(
        "media-type-unsupported", Family.MALFORMED, _HTTP,
        "内容类型不受支持", "The content type is not supported",
        "此接口不接受这种内容类型的正文。", "This route does not take a body of this content type.",
        "上传 JSON 时请注明 Content-Type: application/json；其他格式见接口文档。",
        "Send JSON with Content-Type: application/json; for other formats see the interface document.",
    ),
    Problem(
        "text-unreadable", Family.MALFORMED, _BOUND,
        "文字为空或含有不可见字符", "The text is empty or has invisible characters",
        "此处须填写看得见的文字，不能为空，也不能含控制字符或其他不可见字符。",
        "Visible text is needed here: not empty, and without control or other invisible characters.",
        "重新输入文字，不要从其他软件直接粘贴。", "Type the text anew instead of pasting it from another program.",
    ),
    Problem(
        "digest-malformed", Family.MALFORMED, "design 3.7",
        "内容摘要格式不对", "The digest is not well formed",
        "内容摘要（SHA-256）应为64位十六进制字符。", "The SHA-256 of the content is 64 hexadecimal digits.",
        "先查看单据，把其中的 content_sha256 原样填入。", "Read the draft and copy its content_sha256 as it is.",
    ),
    Problem(
        "cursor-malformed", Family.MALFORMED, _BOUND,
        "翻页标记无效", "The page cursor is not valid",
        "翻页标记只能原样使用上一页给出的值。", "A cursor is only what the previous page answered, unchanged.",
        "去掉翻页标记，从第一页重新开始。", "Leave the cursor out and begin with the first page.",
    ),
    Problem(
        "idempotency-key-missing", Family.MALFORMED, _ONCE,
        "缺少幂等键", "The idempotency key is missing",
        "凡是写入的请求都须带 Idempotency-Key，以保证同一业务只办理一次。",
        "Every writing request needs the header Idempotency-Key, so that the same thing is done once.",
        "为每项业务生成一个新的键（例如 UUID），重试时沿用同一个键。",
        "Make a new key for each piece of business (a UUID, for example) and keep it for retries.",
    ),
    Problem(
        "idempotency-key-malformed", Family.MALFORMED, _ONCE,
        "幂等键格式不对", "The idempotency key is not well formed",
        "幂等键为1至200个可见的 ASCII 字符，不含空格。",
        "An idempotency key is 1 to 200 visible ASCII characters without spaces.",
        "改用 UUID 之类的键。", "Use a key such as a UUID.",
    ),
    Problem(
        "idempotency-conflict", Family.CONFLICT, _ONCE,
        "幂等键已用于另一请求", "The idempotency key was used for another request",
        "本单位已用这个键办成过内容不同的业务，键一经办成长期有效。",
        "Your unit has done something else under this key, and a key stays bound for ever once it succeeded.",
        "如果是新业务，请换一个新键；如果是重试，请原样重发第一次的内容。",
        "For new business take a new key; to retry, send exactly the first request.",
    ),
    Problem(
        "book-unknown", Family.NOT_FOUND, _BOUND,
        "没有这本账", "There is no such book",
        "没有代码为 {book} 的账簿；账簿代码是市、区的行政区划代码。",
        "There is no book {book}; a book's code is the division code of the city or a district.",
        "核对代码，例如市本级 420100。", "Check the code; the city's own book is 420100.",
    ),
    Problem(
        "problem-not-found", Family.NOT_FOUND, _BOUND,
        "没有这个问题代码", "There is no such problem code",
        "目录中没有这个问题代码。", "The catalogue has no such code.",
        "完整目录见 /problems。", "The whole catalogue is at /problems.",
    ),
    Problem(
        "route-not-found", Family.NOT_FOUND, _HTTP,
        "没有这个地址", "There is no such address",
        "本系统没有这个地址。", "The service has nothing at this address.",
        "对照接口文档核对地址。", "Compare the address with the interface document.",
    ),
    Problem(
        "method-not-allowed", Family.MALFORMED, _HTTP,
        "请求方法不适用", "The method is not allowed here",
        "此地址不接受这种请求方法。", "This address does not take this method.",
        "允许的方法见应答的 Allow 标头。", "The header Allow of the answer names the methods it takes.",
    ),
    Problem(
        "body-too-large", Family.TOO_LARGE, _BOUND,
        "请求正文过大", "The body is too large",
        "请求正文超过上限 {limit} 字节。", "The body is beyond the limit of {limit} bytes.",
        "把清单分成几份上传。", "Split the list and upload the parts.",
    ),
    Problem(
        "database-unavailable", Family.UNAVAILABLE, "design 8",
        "数据库暂时不可用", "The database is not available now",
        "数据库正忙或正在重启，本次请求是否办成尚不确定。",
        "The database is busy or restarting; whether this request was done is not certain.",
        "稍后用同一个幂等键重试，不会重复办理。", "Try again with the same idempotency key; nothing is done twice.",
    ),
    Problem(
        "internal-error", Family.BUG, "design 7",
        "系统出错", "The service has a fault",
        "这是系统自身的错误，没有更多内容可以告知；应答中的编号可供维护人员查日志。",
        "This is the service's own fault and no detail is given; its operators find the log by the id in this answer.",
        "把应答中的编号告诉维护人员；用同一个幂等键重试是安全的。",
        "Tell the operators the id of this answer; a retry with the same idempotency key is safe.",
    ),
)  # fmt: skip
