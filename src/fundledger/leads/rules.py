"""The rules that look for anomalies (疑点规则), as data: names, meaning, false alarms, severity, source, parameters.

The condition itself is the SQL view named by ``view``. Ids follow the research catalogue (its section 3); REF-01 is
fundledger's own. This module is pure: a test holds it against the views, `api.anomalies` shows it to people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["high", "medium", "low"]
"""high: money is likely lost or the gate was got round; medium: something is late or above the rule; low: look."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``happened_on`` and ``amount`` tell what these two columns of a hit mean."""

    rule: str
    view: str
    severity: Severity
    name_zh: str
    name_en: str
    meaning_zh: str
    meaning_en: str
    false_alarms_zh: str
    false_alarms_en: str
    happened_on: str
    amount: str
    source: str
    parameters: tuple[str, ...] = ()


RULES: tuple[Rule, ...] = (
    Rule(
        "REF-01", "anomaly_refused_attempt", "low",
        "被拒绝的操作", "Refused attempt",
        "有权限的人员提交了违反规则的操作，被系统拒绝；按人员、操作、原因和日期归并，并累计次数。",
        "An authorised person sent well-formed calls that a rule refused; one hit per person, action, code and day, "
        "with counts.",
        "录入差错、当日余额不足、首次使用系统。",
        "Typing errors, money that came a day later, people new to the system.",
        "day of the first attempt (Shanghai)", "the largest instruction it was about, if any",
        "武扶组(2018)12号 四(四)3; design 3.11",
    ),
    Rule(
        "IDL-03", "anomaly_idle_money", "medium",
        "资金闲置", "Idle money",
        "某项指标在区级账上（可执行指标或项目可用）仍有余额，自指标年度1月1日起已超过规定天数；不因再次下达或调整项目而重新起算。",
        "An allocation still has money in its district, executable or available to a project, more days after "
        "1 January of its fiscal year than the parameter allows; handing the money on does not restart the clock.",
        "跨年工程、质保金、法院冻结。", "Works over several years, retention money, court orders.",
        "first day beyond the limit", "balance on the asked day",
        "国办发〔2014〕70号; 财预〔2015〕15号; IDL-03", ("idle_alert_days",),
    ),
    Rule(
        "FCL-12", "anomaly_shared_card", "high",
        "一卡多户", "One card for several households",
        "同一张银行卡收到两户以上（含跨区）的补助。",
        "One bank card takes the money of two or more households, of other districts too.",
        "分户未换卡的同一家庭、经授权的监护人。", "A family that was split in the registry, a guardian with authority.",
        "day the second household was paid", "paid on the card in this book",
        "一卡通管理规定; FCL-12, WIT-02; M15",
    ),
    Rule(
        "FCL-10", "anomaly_paid_twice", "high",
        "同人同项目同期重复领取", "Same person, programme and period twice",
        "同一人（按户发放的以户主为准）在同一项目、同一期间领取两次以上：跨区按身份证号密钥散列比对，区内按收款人。全额退回后重发的不算。",
        "One person (of a household grant: the head) was paid more than once for one programme and period: across "
        "districts by the keyed hash of the identity number, within one by payee. A payment that came back whole does "
        "not count.",
        "年中跨区迁移且两地各担一段、期间写法不同的补发。", "A move in mid-period where each district bears its part.",
        "day of the second payment", "paid in this book for the programme and period",
        "武扶组(2018)12号 四(四)3; FCL-10; M15",
    ),
    Rule(
        "UND-08", "anomaly_unconfirmed", "medium",
        "已支付未获银行确认", "Paid, not confirmed by the bank",
        "发放清单已送银行，超过约定天数仍有明细既无成功也无退票回盘。",
        "Lines of a list sent to the bank have neither been credited nor returned within the agreed days.",
        "银行回盘晚传、节假日。", "A bank file that was loaded late, holidays.",
        "day of payment", "sum of the unconfirmed lines",
        "武扶组(2018)12号 四(四)2; UND-08; M12", ("bank_confirmation_days",),
    ),
    Rule(
        "STD-01", "anomaly_above_standard", "high",
        "超补助标准", "Above the standard",
        "支付明细的金额超过待遇确认日的标准乘以数量；有例外批文的照样列出并写明文号，标准事后更正的也会列出。",
        "A line is more than the standard of its entitlement date times the quantity; with an exception document it is "
        "shown too, with its number, and so is a line that a later correction of the standard overtook.",
        "经批准的特殊个案。", "Approved hardship cases.",
        "day of payment", "what exceeds the standard",
        "各项目补助标准文件; STD-01",
        ("standard_housing_repair", "standard_industry_award", "standard_labour_subsidy", "standard_education_aid",
         "standard_dibao_topup"),
    ),
    Rule(
        "FCL-03", "anomaly_paid_ineligible", "high",
        "剔除、注销或死亡后仍领取", "Paid after removal, strike-off or death",
        "按现有登记，收款人在待遇确认日已被剔除、移出花名册或死亡（登记往往晚于支付）。脱贫不影响2020年前享受政策。",
        "As the registry stands now, the payee was removed, struck off the roster or dead on the entitlement date, "
        "often recorded after the payment. Having left poverty ends nothing through 2020.",
        "丧葬补助、登记更正中。", "Funeral aid, a registry entry about to be corrected.",
        "day of payment", "the line",
        "武扶组(2018)12号 三(一); FCL-01, FCL-02, FCL-03",
    ),
    Rule(
        "IDL-11", "anomaly_not_reissued", "medium",
        "退票未重发", "Returned, not paid again",
        "银行退回的明细在规定天数内没有向同一收款人、同一项目、同一期间重新发放。",
        "A line the bank returned was not paid again to the same payee for the same programme and period in time.",
        "无法联系、资格复核中。", "The payee can't be reached, entitlement under review.",
        "day of the bank's return", "the returned line",
        "一卡通管理规定; IDL-11; M12", ("reissue_days",),
    ),
    Rule(
        "IDL-07", "anomaly_advance_overdue", "medium",
        "预拨未清算", "Advance not settled",
        "向单位预拨的资金超过规定天数仍未清算也未退回。按所问日期计算，其后的清算不计。",
        "Money advanced to an organisation was neither settled nor returned within the days the rule allows. As of the "
        "asked day: what was settled later does not count.",
        "跨年工程、结算争议、验收材料在途。", "Works over several years, a disputed account, papers on their way.",
        "first day beyond the limit", "what is still advanced on the asked day",
        "武扶组(2018)12号 四(四)2; IDL-07; M09", ("advance_settle_days",),
    ),
    Rule(
        "STD-10", "anomaly_village_quota", "medium",
        "村级定额未足额下达", "Village quota not met",
        "年度终了，名单内的村（社区）收到的下达额仍低于定额标准（M01、M02）。",
        "The fiscal year is over and a village on the year's list was released less than the standard (M01, M02).",
        "年中列入名单、次年补足。", "A village listed in mid-year, the rest released in the next year.",
        "1 January after the fiscal year", "what is missing",
        "武扶组(2018)12号 四(四)2; STD-10; M01, M02", ("village_standard_public_affairs", "village_standard_targeted"),
    ),
    Rule(
        "STD-11", "anomaly_below_floor", "medium",
        "区级投入低于下限", "District money below the floor",
        "区级安排的资金低于按申报数（或决算数）计算的下限：财力增量的15%、盘活存量的50%。有批文的同样列出。",
        "A district adopted less than the floor over its declared or final figure: 15 % of the revenue increment, 50 % "
        "of recovered idle funds. Shown with its exception document, if there is one.",
        "申报数有误、年内还将追加。", "A figure declared wrongly, a supplement still to come this year.",
        "day of the first adoption, else 1 January after the year", "shortfall",
        "武扶组(2018)12号 四(四)2; STD-11; M03, M04", ("floor_district_increment", "floor_recovered_stock"),
    ),
)  # fmt: skip
"""Every rule, in the order in which people read about them."""

BY_ID: dict[str, Rule] = {rule.rule: rule for rule in RULES}
