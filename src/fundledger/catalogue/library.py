"""Problems of the project library and of publicity: who proposes, reviews, approves; sources of money; objections."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_LIBRARY = "M07, M08; domain.md 2.9"
_TARGET = "M10; 国办发〔2018〕35号"
_NEGATIVE = "财农〔2017〕8号 负面清单"
_PUBLICITY = "M11; 国开办发〔2018〕11号"

ROWS: tuple[Problem, ...] = (
    Problem(
        "project-incomplete", Family.REFUSED, _LIBRARY,
        "项目申报内容不完整", "The proposal is incomplete",
        "申报须写明建设性质、地点、城乡、起止时间、责任单位、任务、受益户数人数和带贫减贫机制。",
        "A proposal states nature, place, rural or urban, schedule, responsible unit, task, beneficiaries and the "
        "participation mechanism.",
        "补全后重新申报。", "Complete it and propose it again.",
    ),
    Problem(
        "project-content-changed", Family.REFUSED, _LIBRARY,
        "审核、批准不能改变项目内容", "A decision changes nothing of the project",
        "审核、批准、暂停和退库只改变状态；金额、地点等内容与申报时相同。",
        "Review, approval, suspension and leaving change the status; amount, place and the rest stay as proposed.",
        "需要调整的，重新申报，再审核、批准。", "To change it, propose it anew; it is reviewed and approved again.",
    ),
    Problem(
        "project-proposer-wrong", Family.REFUSED, _LIBRARY,
        "不能由此人申报", "This person can't propose it",
        "项目由村、乡镇（街道）、扶贫办或财政局的经办人申报，村和乡镇只申报本地项目。",
        "A maker of a village, township, poverty office or finance bureau proposes; villages and townships their own.",
        "由项目所在地的经办人申报。", "Let a maker of the place propose it.",
    ),
    Problem(
        "project-reviewer-wrong", Family.REFUSED, _LIBRARY,
        "不能由此人审核", "This person can't review it",
        "村级项目由所属乡镇（街道）的审批人审核，全区项目由扶贫办的审批人审核。",
        "An approver of the village's township reviews it; the poverty office, what is for the whole district.",
        "提交有权审核的单位。", "Hand it to the unit that reviews it.",
    ),
    Problem(
        "project-decider-wrong", Family.REFUSED, _LIBRARY,
        "不能由此人决定", "This person can't decide it",
        "项目由本区财政局或扶贫办的审批人批准、暂停或退库，决定单位是其所在单位。",
        "An approver of the district's finance bureau or poverty office decides, for that person's own unit.",
        "提交有权决定的人。", "Hand it to somebody who may decide.",
    ),
    Problem(
        "project-category-differs", Family.REFUSED, _LIBRARY,
        "项目类别与补助类型不符", "The category is not the programme's",
        "项目的类别由其补助类型决定。", "The category of a project is its programme's.",
        "改用相应的补助类型。", "Choose the programme that fits.",
    ),
    Problem(
        "project-proposal-closed", Family.REFUSED, _LIBRARY,
        "申报已经进入审核", "The proposal has gone on",
        "绩效指标和资金来源随申报提交，审核以后不再增加。",
        "Indicators and sources of money come with the proposal; none is added once it was reviewed.",
        "重新申报。", "Propose it anew.",
    ),
    Problem(
        "project-reason-missing", Family.REFUSED, _LIBRARY,
        "没有退库原因", "There is no reason for leaving",
        "项目退库必须写明原因。", "A project leaves the library with a reason.",
        "填写原因。", "State the reason.",
    ),
    Problem(
        "project-has-money", Family.REFUSED, _LIBRARY,
        "项目还有资金", "The project still has money",
        "项目账户还有可用或预拨的资金，不能退库。", "The project holds money it may spend or has advanced.",
        "先把资金调回、清算，再退库。", "Take the money back or settle it first.",
    ),
    Problem(
        "project-urban", Family.REFUSED, _NEGATIVE,
        "城市项目不得使用扶贫资金", "The project is in a city",
        "城市基础设施和城市扶贫属于负面清单 N8。",
        "Urban infrastructure and urban poverty are on the negative list (N8).",
        "由其他资金承担；地点有误的，重新申报。", "Use other money; if the place is wrong, propose it anew.",
    ),
    Problem(
        "project-too-large", Family.REFUSED, _NEGATIVE,
        "大中型基本建设不得使用扶贫资金", "The project is a large capital project",
        "达到大中型规模的新建、扩建项目属于负面清单 N6。",
        "New works and extensions of this size are on the negative list (N6).",
        "由基本建设资金承担。", "Use money for capital construction.",
    ),
    Problem(
        "financing-sum-differs", Family.REFUSED, "M13",
        "资金来源合计与计划金额不符", "The sources do not come to the planned amount",
        "各资金来源之和必须等于项目的计划金额。", "The sources of money together are the planned amount.",
        "核对各来源的金额后重新申报。", "Check the amount of each source and propose it again.",
    ),
    Problem(
        "fund-not-in-financing", Family.REFUSED, "M13 项目到区",
        "不是项目的资金来源", "The fund is not a source of this project",
        "资金 {fund_code} 不在批准的资金来源之内。",
        "Fund {fund_code} is not among the sources approved for the project.",
        "改用批准的来源，或重新申报调整来源。", "Use an approved source, or propose a change of the sources.",
    ),
    Problem(
        "financing-exceeded", Family.REFUSED, "M13 项目到区",
        "超过该来源的计划金额", "More than this source was planned to give",
        "资金 {fund_code} 计划 {planned} 元，超出 {excess} 元。",
        "Fund {fund_code} was planned to give {planned} yuan; this is {excess} yuan too much.",
        "减少安排，或重新申报调整资金来源。", "Fund less, or propose a change of the sources.",
    ),
    Problem(
        "objection-open", Family.REFUSED, _PUBLICITY,
        "公示有异议尚未处理", "An objection to the notice stands",
        "对项目或清单公示的异议还没有答复，或者成立而未整改。",
        "An objection to the project's or list's notice is unanswered, or was upheld and is not mended.",
        "先答复异议；成立的，整改后登记。", "Answer it; if it was upheld, record how it was mended.",
    ),
    Problem(
        "objection-order", Family.REFUSED, _PUBLICITY,
        "异议的处理顺序不对", "The objection is not at this step",
        "异议先登记，再答复；成立的最后登记整改。每步一次。",
        "An objection is recorded, then answered; one that was upheld is mended last. Each once.",
        "重新读取异议，再决定下一步。", "Read the objection again and decide on the next step.",
    ),
    Problem(
        "objection-answerer-wrong", Family.REFUSED, _PUBLICITY,
        "不能由此人办理异议", "This person can't deal with the objection",
        "异议由经办人登记，由另一名审批人答复；对项目的市级意见由本区财政局或扶贫办的审批人答复。",
        "A maker records an objection and an approver answers it; what the city objects to, an approver of the "
        "district's finance bureau or poverty office.",
        "提交有权办理的人。", "Hand it to somebody who may deal with it.",
    ),
    Problem(
        "objector-wrong", Family.REFUSED, "H7",
        "此单位不提项目意见", "This unit does not object to projects",
        "项目意见由市财政局、市扶贫办或审计、监察单位提出。",
        "The city's finance bureau or poverty office, audit or inspection object to a project.",
        "由上述单位提出。", "Let one of those offices object.",
    ),
    Problem(
        "notice-level-wrong", Family.REFUSED, _PUBLICITY,
        "公示级别不对", "The notice is of another level",
        "只有资金分配在市级公示。", "Only allocations are published by the city.",
        "改为区、乡镇或村级公示。", "Publish it in the district, township or village.",
    ),
    Problem(
        "evaluation-not-possible", Family.REFUSED, _TARGET,
        "不能这样评价", "It can't be evaluated so",
        "批准过的项目先自评，再由另一人评审；评审不改动自评，指标须是申报的指标。",
        "A project that was approved evaluates itself, then another person reviews it and changes nothing of it; the "
        "indicators are those proposed.",
        "核对评价的对象、顺序和指标。", "Check what is evaluated, in what order, by which indicators.",
    ),
)  # fmt: skip
