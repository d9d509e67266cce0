-- The policy as data: what the sections 2.3 to 2.13 of the domain research and the action plan itself put in numbers, the
-- classes of money outside the five, programmes for each of the eight 八大工程. Figures that no source states are marked as
-- demonstration figures; an office replaces them by a version of its own (21_parameters.sql).

WITH seeds (code, version, value, unit, valid_from, valid_to, source, note) AS (VALUES
    -- 2.3 Time
    ('release_days_general', 1, 30, 'days', date '2016-01-01', NULL::date, '预算法 第五十二条', 'general transfers, from approval to release'),
    ('release_days_special', 1, 60, 'days', '2016-01-01', NULL, '预算法 第五十二条', 'special transfers, from approval to release'),
    ('plan_filing_days', 1, 30, 'days', '2016-01-01', NULL, '湖北省财政专项扶贫资金管理办法', 'project plan filed after the fund document'),
    ('surplus_days', 1, 730, 'days', '2016-01-01', NULL, '国办发〔2014〕70号; 财预〔2015〕15号', 'from the end of the fiscal year; re-purposing does not restart it'),
    ('retention_release_days', 1, 365, 'days', '2016-01-01', NULL, '县级报账制办法 (domain.md 2.10)', 'after acceptance'),
    ('advance_settle_days', 1, 180, 'days', '2016-01-01', NULL, 'demonstration figure', 'after an advance to a payee'),
    ('prepaid_release_settle_days', 1, 180, 'days', '2016-01-01', NULL, 'demonstration figure', 'after the end of the fiscal year'),
    ('erasure_retention_months', 1, 120, 'months', '2016-01-01', NULL, 'demonstration figure', 'personal data kept after the last payment'),
    -- 2.4 The only formula with stated weights; a computation names its own
    ('factor_weight_poor', 1, 50, 'percent', '2016-01-01', NULL, '湖北省因素法公式 2004 (domain.md 2.4; example)', 'share of the rural poor'),
    ('factor_weight_income', 1, 30, 'percent', '2016-01-01', NULL, '湖北省因素法公式 2004 (domain.md 2.4; example)', 'farmers'' net income'),
    ('factor_weight_fiscal', 1, 10, 'percent', '2016-01-01', NULL, '湖北省因素法公式 2004 (domain.md 2.4; example)', 'fiscal capacity per head'),
    ('factor_weight_gdp', 1, 10, 'percent', '2016-01-01', NULL, '湖北省因素法公式 2004 (domain.md 2.4; example)', 'GDP per head'),
    -- 2.7 Publicity
    ('publicity_days_village', 1, 10, 'days', '2016-01-01', NULL, '国开办发〔2018〕11号', 'notices in the village'),
    ('publicity_days_township', 1, 10, 'days', '2016-01-01', NULL, '国开办发〔2018〕11号', 'notices in the township'),
    ('publicity_days_district', 1, 10, 'days', '2016-01-01', NULL, '国开办发〔2018〕11号 (portals keep it for long)', 'notices of the district'),
    ('publicity_workdays_list', 1, 7, 'workdays', '2016-01-01', NULL, '财办〔2020〕37号; county practice', 'payment lists, in working days'),
    -- 2.9 Library
    ('library_adjustment_month', 1, 10, 'count', '2016-01-01', NULL, '完善县级脱贫攻坚项目库建设的指导意见 (2018-03-08)', 'rolling adjustment from this month on (fourth quarter)'),
    -- 2.2, 2.10 Uses, reimbursement, advances
    ('fee_percent_max', 1, 1, 'percent', '2016-01-01', NULL, '财农〔2017〕8号; 湖北省财政专项扶贫资金管理办法', 'project management fee of the special funds'),
    ('large_project_min', 1, 3000000000, 'fen', '2016-01-01', NULL, 'negative list N6; demonstration figure', 'from here on a capital project is large or medium'),
    ('retention_percent_max', 1, 3, 'percent', '2017-07-01', NULL, '建质〔2017〕138号', 'of the contract; a county example has 10'),
    ('retention_percent_max', 2, 5, 'percent', '2016-01-01', '2017-06-30', '建质〔2005〕7号', 'of the contract'),
    ('prepay_percent_max', 1, 30, 'percent', '2016-01-01', NULL, '财建〔2004〕369号; county rule (domain.md 2.10)', 'start-up advance, of the contract'),
    ('prepaid_release_percent_max', 1, 70, 'percent', '2016-01-01', NULL, 'demonstration figure', 'of the allocation, released before the result is known'),
    ('evidence_bytes_max', 1, 20971520, 'bytes', '2016-01-01', NULL, 'fundledger: limit of one document', ''),
    -- 2.11 Tendering
    ('tender_threshold_works', 1, 400000000, 'fen', '2018-06-01', NULL, 'NDRC order 16, 2018 (必须招标的工程项目规定)', 'single contract estimate'),
    ('tender_threshold_works', 2, 200000000, 'fen', '2016-01-01', '2018-05-31', '国家计委令第3号, 2000', 'single contract estimate'),
    ('tender_threshold_goods', 1, 200000000, 'fen', '2018-06-01', NULL, 'NDRC order 16, 2018 (必须招标的工程项目规定)', 'single contract estimate'),
    ('tender_threshold_goods', 2, 100000000, 'fen', '2016-01-01', '2018-05-31', '国家计委令第3号, 2000', 'single contract estimate'),
    ('tender_threshold_services', 1, 100000000, 'fen', '2018-06-01', NULL, 'NDRC order 16, 2018 (必须招标的工程项目规定)', 'survey, design, supervision'),
    ('tender_threshold_services', 2, 50000000, 'fen', '2016-01-01', '2018-05-31', '国家计委令第3号, 2000', 'survey, design, supervision'),
    ('tender_budget_min', 1, 200000000, 'fen', '2018-06-01', NULL, 'NDRC order 16, 2018, 第二条', 'budget money in the investment'),
    ('tender_budget_min', 2, 0, 'fen', '2016-01-01', '2018-05-31', '国家计委令第3号, 2000 (any budget money)', 'budget money in the investment'),
    ('tender_budget_share_min', 1, 10, 'percent', '2018-06-01', NULL, 'NDRC order 16, 2018, 第二条', 'budget money in the investment'),
    ('tender_budget_share_min', 2, 0, 'percent', '2016-01-01', '2018-05-31', '国家计委令第3号, 2000 (any budget money)', 'budget money in the investment'),
    ('bid_window_days', 1, 20, 'days', '2016-01-01', NULL, '招标投标法 第二十四条', 'from the tender documents to the deadline'),
    ('bidders_min', 1, 3, 'count', '2016-01-01', NULL, '招标投标法 第二十八条', ''),
    -- 2.13 Micro-credit, M33
    ('microcredit_amount_max', 1, 5000000, 'fen', '2016-01-01', NULL, '国开办发〔2014〕78号', 'per household, subsidised part'),
    ('microcredit_months_max', 1, 36, 'months', '2016-01-01', NULL, '国开办发〔2014〕78号', ''),
    ('microcredit_score_min', 1, 60, 'count', '2016-01-01', '2020-12-31', '武扶组(2018)12号 二(七)3-2', 'credit score'),
    -- The action plan's own numbers, M19 to M30
    ('medical_reimbursement_percent_min', 1, 90, 'percent', '2016-01-01', '2020-12-31', '武扶组(2018)12号 二(二)3-1', 'M19: inpatient and chronic outpatient cost'),
    ('medical_out_of_pocket_max', 1, 350000, 'fen', '2016-01-01', '2020-12-31', '武扶组(2018)12号 二(二)3-1', 'M20: per person and year'),
    ('medical_premium_percent', 1, 100, 'percent', '2016-01-01', '2020-12-31', '武扶组(2018)12号 二(二)3-4', 'M21: paid by government'),
    ('medical_outpatient_percent_min', 1, 60, 'percent', '2016-01-01', '2020-12-31', '武扶组(2018)12号 二(二)3-4', 'M22: read from a damaged text'),
    ('medical_outpatient_limit_min', 1, 500000, 'fen', '2016-01-01', '2020-12-31', '武扶组(2018)12号 二(二)3-4', 'M22: per year'),
    ('medical_inpatient_raise', 1, 20, 'percent', '2016-01-01', '2020-12-31', '武扶组(2018)12号 二(二)3-4', 'M23: read as percentage points, unit lost in the text; report only'),
    ('medical_serious_deductible', 1, 480000, 'fen', '2016-01-01', '2020-12-31', '武扶组(2018)12号 二(二)3-4', 'M24'),
    ('medical_serious_cap', 1, 50000000, 'fen', '2016-01-01', '2020-12-31', '武扶组(2018)12号 二(二)3-4', 'M24: per year'),
    ('education_coverage_percent', 1, 100, 'percent', '2016-01-01', '2020-12-31', '武扶组(2018)12号 二(四)3-1', 'M27: registered pupils'),
    ('housing_paid_percent', 1, 100, 'percent', '2016-01-01', '2020-12-31', '武扶组(2018)12号 二(五)3-3', 'M29: in full, directly'),
    ('dibao_topup_percent_min', 1, 20, 'percent', '2016-01-01', '2020-12-31', '武扶组(2018)12号 二(六)3-2', 'M30: of the local standard; read from a damaged text'),
    -- Unit standards of the programmes below
    ('standard_medical_premium', 1, 22000, 'fen', '2016-01-01', '2018-12-31', '医保发〔2018〕2号; earlier years as 2018 (demonstration)', 'per person and year'),
    ('standard_medical_premium', 2, 25000, 'fen', '2019-01-01', '2019-12-31', '医保发〔2019〕30号', 'per person and year'),
    ('standard_medical_premium', 3, 28000, 'fen', '2020-01-01', NULL, '医保发〔2020〕24号', 'per person and year'),
    ('standard_training_subsidy', 1, 10000, 'fen', '2016-01-01', NULL, 'demonstration figure', 'per day of training'),
    ('standard_disability_subsidy', 1, 10000, 'fen', '2016-01-01', NULL, 'demonstration figure', 'per month'),
    ('standard_pension_premium', 1, 10000, 'fen', '2016-01-01', NULL, 'lowest tier (demonstration)', 'per person and year'),
    ('standard_microcredit_interest', 1, 43500, 'fen', '2016-01-01', NULL, 'benchmark rate of 4.35 % (demonstration)', 'per 10,000 yuan and year')
), made AS (
    INSERT INTO parameter (code, version, value, unit, valid_from, valid_to, source, note) SELECT * FROM seeds
    RETURNING code, version, parameter_id)
INSERT INTO log_queue (order_no, book, kind, record_id)
SELECT nextval('record_order'), 420100, 'parameter', parameter_id FROM made ORDER BY code, version;

-- M41, M43: 捐赠, 党费, 对口帮扶, 村集体经济引导资金. Given or received, not granted: outside 五到区, in classes of their own.
INSERT INTO fund (fund_code, name_zh, name_en, origin, basis, standard_parameter, floor_parameter, rule, outside_five) VALUES
    ('donation', '社会捐赠资金', 'Social donations', 'district', 'received', NULL, NULL, 'M43', true),
    ('counterpart_aid', '对口帮扶资金', 'Counterpart aid', 'district', 'received', NULL, NULL, 'M43', true),
    ('party_fee', '党费专项支持资金', 'Party-fee support fund', 'city', 'received', NULL, NULL, 'M41', true),
    ('collective_guide_fund', '村集体经济发展引导资金', 'Collective-economy guide fund', 'city', 'received', NULL, NULL, 'M41', true);

-- 八大工程: 产业 industry, 健康 health, 就业 employment, 教育 education, 危房改造 housing, 保障 minimum_living, 金融 finance,
-- 基础设施 infrastructure. Each now has a programme; the last ones are for the classes of money above.
INSERT INTO programme VALUES
    ('medical_aid', '健康扶贫医疗救助', 'Medical aid', 'person', 'health', '2101301', '30307', true, false, false, NULL, 'M19, M20'),
    ('medical_premium', '居民医保个人缴费补助', 'Health-insurance premium', 'person', 'health', '2101202', '30311', true, false, true, 'standard_medical_premium', 'M21'),
    ('training_subsidy', '就业技能培训补助', 'Training subsidy', 'person', 'employment', '2080702', '30399', true, true, false, 'standard_training_subsidy', 'M26'),
    ('disability_subsidy', '残疾人两项补贴', 'Disability subsidy', 'person', 'minimum_living', '2081107', '30306', true, false, false, 'standard_disability_subsidy', 'M32'),
    ('temporary_aid', '临时救助', 'Temporary aid', 'household', 'minimum_living', '2082001', '30306', true, false, false, NULL, 'M32'),
    ('pension_premium', '居民养老保险代缴', 'Pension premium', 'person', 'minimum_living', '2082602', '30311', true, false, true, 'standard_pension_premium', 'M32'),
    ('microcredit_interest', '扶贫小额信贷贴息', 'Micro-credit interest subsidy', 'household', 'finance', '2130507', '30399', true, true, false, 'standard_microcredit_interest', 'M33'),
    ('donation_relief', '捐赠资金慰问救助', 'Relief from donations', 'household', 'donation', '2130599', '30306', false, false, false, NULL, 'M43'),
    ('party_fee_relief', '党费帮扶慰问', 'Relief from party fees', 'household', 'party_fee', '2130599', '30306', false, false, false, NULL, 'M41'),
    ('counterpart_aid', '对口帮扶项目', 'Counterpart aid', 'organisation', 'counterpart_aid', '2130599', '39999', false, false, false, NULL, 'M43'),
    ('collective_economy', '村集体经济发展', 'Collective economy', 'organisation', 'collective_economy', '2130706', '31204', false, false, false, NULL, 'M41');

INSERT INTO exemption_rule VALUES
    ('insurance_and_interest', '医疗、保险和贴息补助', 'Medical, insurance and interest subsidies', '{health,minimum_living,finance}',
     '{household,person}', NULL, 'domain.md 2.11');
