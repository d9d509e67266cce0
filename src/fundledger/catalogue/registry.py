"""Problems of the registry (建档立卡): divisions, village lists, households, persons, statuses, rosters, organisations.

No text and no parameter names a person; a fault's place (line and column, or pointer) says which one it is.
"""

from __future__ import annotations

from fundledger.errors import Family, Problem

_REGISTRY = "M38"
_VILLAGES = "M01, M02"
_WHOLE_LIST = "design 3.5"
_ROSTER = "design 4"

ROWS: tuple[Problem, ...] = (
    Problem(
        "registry-refused", Family.REFUSED, _WHOLE_LIST,
        "名册未予登记", "The upload is refused",
        "共有 {count} 处不符合规定，已逐一列出，没有任何内容被保存。",
        "{count} places break a rule; each is listed with its place and nothing was stored.",
        "按列出的位置逐处改正后重新提交。", "Correct each listed place and send it again.",
    ),
    Problem(
        "upload-empty", Family.MALFORMED, _WHOLE_LIST,
        "名册没有内容", "The upload has no line of data",
        "名册中除表头外没有任何一行。", "There is no line besides the header.",
        "检查是否选错了文件或工作表。", "Check that the right file and sheet were chosen.",
    ),
    Problem(
        "cell-empty", Family.MALFORMED, _WHOLE_LIST,
        "必填项为空", "A required cell is empty",
        "此处必须填写。", "This cell has to be filled in.",
        "补填该单元格。", "Fill it in.",
    ),
    Problem(
        "date-malformed", Family.MALFORMED, _WHOLE_LIST,
        "日期格式不对", "The date is not well formed",
        "日期应写成 2019-03-01、2019/3/1 或 2019年3月1日，且确有这一天。",
        "A date is written 2019-03-01, 2019/3/1 or 2019年3月1日, and the day exists.",
        "改写日期；表格软件中的数字日期请先设为日期格式。",
        "Rewrite it; format a spreadsheet's day number as a date first.",
    ),
    Problem(
        "flag-malformed", Family.MALFORMED, _WHOLE_LIST,
        "应填“是”或“否”", "It is neither yes nor no",
        "此处只能填“是”或“否”（也可用 yes/no、1/0）。", "Only 是 or 否 stands here (or yes/no, 1/0).",
        "改为“是”或“否”。", "Write yes or no.",
    ),
    Problem(
        "phone-malformed", Family.MALFORMED, _WHOLE_LIST,
        "电话号码格式不对", "The phone number is not well formed",
        "电话号码应为7至20位数字，可带“+”、空格或连字符。",
        "A phone number has 7 to 20 digits, with plus, spaces or hyphens.",
        "核对号码；可以留空。", "Check it; it may be left empty.",
    ),
    Problem(
        "version-malformed", Family.MALFORMED, _WHOLE_LIST,
        "版本号不对", "The version is not a number from 1",
        "版本号为从1起的整数；首次登记可留空。",
        "A version is a whole number from 1; a first record may leave it empty.",
        "改为整数，或留空。", "Give a whole number or nothing.",
    ),
    Problem(
        "status-unknown", Family.MALFORMED, _REGISTRY,
        "状态名称不认识", "The status is unknown",
        "可用的状态：{known}。", "Known statuses: {known}.",
        "改用其中之一。", "Use one of them.",
    ),
    Problem(
        "roster-action-unknown", Family.MALFORMED, _ROSTER,
        "动作名称不认识", "The action is unknown",
        "可用的动作：{known}。", "Known actions: {known}.",
        "改用其中之一。", "Use one of them.",
    ),
    Problem(
        "division-code-malformed", Family.MALFORMED, "GB/T 2260",
        "区划代码格式不对", "The division code is not well formed",
        "区划代码为6位、9位或12位数字，村（社区）为12位。",
        "A division code has 6, 9 or 12 digits; a village's has 12.",
        "对照统计用区划代码核对；表格软件请将该列设为“文本”。",
        "Compare it with the statistical codes; format the column as text.",
    ),
    Problem(
        "division-level-unknown", Family.MALFORMED, "GB/T 2260",
        "区划级别与代码不符", "The division's level does not fit its code",
        "级别应为 city、district（6位）、township（9位）、village 或 community（12位）。",
        "A level is city or district (6 digits), township (9), village or community (12).",
        "核对级别和代码。", "Check level and code.",
    ),
    Problem(
        "division-of-no-book", Family.REFUSED, "design 2",
        "区划不属于任何账簿", "The division belongs to no book",
        "代码前六位不是本市或各区的代码。", "Its first six digits are no city or district that keeps a book here.",
        "核对代码；主城区没有账簿。", "Check the code; central districts keep no book.",
    ),
    Problem(
        "division-parent-wrong", Family.REFUSED, "GB/T 2260",
        "上级区划不对", "The division's parent is wrong",
        "上级区划应是同一区内、代码为本代码前几位的上一级。",
        "The parent is the level above, of the same district, whose code begins this one.",
        "核对上级代码。", "Check the parent's code.",
    ),
    Problem(
        "division-differs", Family.REFUSED, "design 3.1",
        "与已登记的区划不同", "The division differs from what is recorded",
        "同一代码已登记为别的名称、级别或上级；已登记的内容不能更改。",
        "The same code is recorded with another name, level or parent; records are not changed.",
        "核对来源；确有更名的，须作为新区划登记。", "Check the source; a renamed division is recorded as a new one.",
    ),
    Problem(
        "division-not-found", Family.NOT_FOUND, "GB/T 2260",
        "没有这个区划", "There is no such division",
        "本账中没有这个区划代码。", "This book has no division of that code.",
        "核对代码。", "Check the code.",
    ),
    Problem(
        "village-unknown", Family.REFUSED, _VILLAGES,
        "没有这个村（社区）", "The village is unknown",
        "区划中没有代码为 {code} 的村（社区）。", "No village or community has the code {code}.",
        "对照统计用区划代码核对。", "Compare it with the statistical codes.",
    ),
    Problem(
        "village-foreign", Family.REFUSED, "design 4",
        "不是本辖区的村（社区）", "The village is of another district",
        "代码 {code} 不属于这里管辖的区。", "The code {code} is not of a district this belongs to.",
        "由其所在区登记。", "Let its own district record it.",
    ),
    Problem(
        "division-not-village", Family.REFUSED, _VILLAGES,
        "不是村（社区）", "It is not a village or community",
        "代码 {code} 是区或街道（乡镇），这里只能填村或社区。",
        "The code {code} is a district or township; a village or community is needed.",
        "填写12位的村（社区）代码。", "Give the 12-digit code of the village.",
    ),
    Problem(
        "village-repeated", Family.REFUSED, _VILLAGES,
        "村（社区）重复", "The village is there twice",
        "代码 {code} 在名单中已经出现过。", "The code {code} was in the list before.",
        "只保留一处。", "Keep one of them.",
    ),
    Problem(
        "fund-not-per-village", Family.REFUSED, _VILLAGES,
        "该资金没有村名单", "The fund has no village list",
        "资金类别 {fund_code} 不存在，或不按村定额分配。",
        "The fund {fund_code} is unknown or is not allocated by village.",
        "村级公共事务用 public_affairs，精准扶贫用 targeted。", "Use public_affairs (M01) or targeted (M02).",
    ),
    Problem(
        "standard-not-in-force", Family.REFUSED, _VILLAGES,
        "该年度没有补助标准", "No standard is in force that year",
        "{fiscal_year} 年没有这项资金的村级标准。", "No standard of this fund is in force in {fiscal_year}.",
        "核对年度；政策到期后须先登记新的参数。", "Check the year; after the policy's term a new parameter is needed.",
    ),
    Problem(
        "village-count-wrong", Family.REFUSED, "M02",
        "村数与政策不符", "The number of villages is not the policy's",
        "名单有 {count} 个村，政策规定为 {expected} 个。", "The list has {count} villages; the policy says {expected}.",
        "补齐或核减；确有依据的，填写特批文号。", "Complete the list, or name the document that allows another number.",
    ),
    Problem(
        "village-list-not-found", Family.NOT_FOUND, _VILLAGES,
        "没有这份村名单", "There is no such village list",
        "没有这项资金、这一年度（及版本）的村名单。", "There is no list of that fund and year (and version).",
        "核对资金类别、年度和版本。", "Check fund, year and version.",
    ),
    Problem(
        "household-not-found", Family.NOT_FOUND, _REGISTRY,
        "没有这一户", "There is no such household",
        "本区登记中没有这一户。", "This district's registry has no such household.",
        "核对编号；别区的户由其所在区查询。", "Check the id; another district's household is found there.",
    ),
    Problem(
        "person-not-found", Family.NOT_FOUND, _REGISTRY,
        "没有登记此人", "There is no such person",
        "本区登记中没有这个身份证号码的人。", "This district's registry has nobody of that identity number.",
        "核对号码；别区的人由其所在区查询。", "Check the number; another district's people are found there.",
    ),
    Problem(
        "household-unknown", Family.REFUSED, _REGISTRY,
        "户编号未登记", "The household is not registered",
        "本区登记中没有这个户编号。", "This district's registry has no household of that number.",
        "核对户编号，或先登记该户。", "Check the number or register the household first.",
    ),
    Problem(
        "person-unknown", Family.REFUSED, _REGISTRY,
        "此人未登记", "The person is not registered",
        "本区登记中没有这个身份证号码的人。", "This district's registry has nobody of that identity number.",
        "核对号码，或先登记此人。", "Check the number or register the person first.",
    ),
    Problem(
        "subject-missing", Family.MALFORMED, _REGISTRY,
        "没有指明是谁", "It does not say who",
        "户编号和身份证号必须且只能填一项。", "Give either a household number or an identity number, one of the two.",
        "填写其中一项。", "Give one of them.",
    ),
    Problem(
        "subject-repeated", Family.REFUSED, _WHOLE_LIST,
        "同一对象同一天重复", "The same subject and day is there twice",
        "同一户（人）同一天在这份名册中已经出现过。",
        "The same household or person with the same day was in the list before.",
        "只保留一处。", "Keep one of them.",
    ),
    Problem(
        "identity-repeated", Family.REFUSED, _REGISTRY,
        "身份证号重复", "The identity number is there twice",
        "同一身份证号码已在第 {first_line} 行出现过。", "The same identity number stands in line {first_line}.",
        "一人只能登记一次，去掉重复的行。", "A person is registered once; leave the repeated line out.",
    ),
    Problem(
        "household-without-head", Family.REFUSED, _REGISTRY,
        "该户没有户主", "The household has no head",
        "该户没有一行标明为户主。", "No line of this household is marked as its head.",
        "在户主那一行的“户主”列填“是”。", "Mark the head's line.",
    ),
    Problem(
        "household-village-differs", Family.REFUSED, _REGISTRY,
        "同户村代码不一致", "The household's lines name two villages",
        "该户前面的行填的是另一个村。", "An earlier line of this household names another village.",
        "统一该户各行的村代码。", "Give all its lines the same village.",
    ),
    Problem(
        "status-version-taken", Family.CONFLICT, "design 3.1",
        "该日状态已登记", "That day's status is recorded already",
        "该对象这一天的状态已有版本；更正须填版本号 {expected}。",
        "The subject has a status of that day; a correction is version {expected}.",
        "确要更正的，填写版本号 {expected}。", "To correct it, give version {expected}.",
    ),
    Problem(
        "programme-without-roster", Family.REFUSED, _ROSTER,
        "该项目没有花名册", "The programme has no roster",
        "补助项目 {programme_code} 不存在，或不需要花名册。",
        "The programme {programme_code} is unknown or needs no roster.",
        "核对补助项目代码。", "Check the programme's code.",
    ),
    Problem(
        "roster-member-kind", Family.REFUSED, _ROSTER,
        "花名册对象类型不对", "The roster takes another kind of member",
        "该项目补助的对象是 {payee_kind}：household 填户编号，person 填身份证号。",
        "This programme pays a {payee_kind}: a household by its number, a person by the identity number.",
        "改填相应的编号。", "Give the number that fits.",
    ),
    Problem(
        "roster-version-taken", Family.CONFLICT, "design 3.1",
        "该日的花名册变动已登记", "That day's roster change is recorded already",
        "该对象这一天在此花名册已有变动；更正须填版本号 {expected}。",
        "The member has a change of that day; a correction is version {expected}.",
        "确要更正的，填写版本号 {expected}。", "To correct it, give version {expected}.",
    ),
    Problem(
        "roster-not-enrolled", Family.REFUSED, _ROSTER,
        "不在花名册上", "It was not on the roster",
        "该对象在这一天之前没有列入花名册，不能剔除。",
        "The member was not on the roster that day and can't be struck off.",
        "核对对象和日期。", "Check the member and the day.",
    ),
    Problem(
        "account-malformed", Family.MALFORMED, "design 2",
        "银行账号格式不对", "The bank account is not well formed",
        "单位银行账号应为5至40位数字，可带空格或连字符。",
        "An organisation's account has 5 to 40 digits, with spaces or hyphens.",
        "对照开户许可证核对。", "Compare it with the account's licence.",
    ),
    Problem(
        "organisation-not-found", Family.NOT_FOUND, "design 2",
        "没有这个单位", "There is no such organisation",
        "本区没有登记这个单位。", "This district has not recorded that organisation.",
        "核对编号，或先登记单位。", "Check the id or record it first.",
    ),
)  # fmt: skip
