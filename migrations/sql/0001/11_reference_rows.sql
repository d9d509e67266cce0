INSERT INTO book VALUES
    (420100, '武汉市', 'Wuhan', 'city', NULL),
    (420112, '东西湖区', 'Dongxihu', 'district', 420100), (420113, '汉南区', 'Hannan', 'district', 420100),
    (420114, '蔡甸区', 'Caidian', 'district', 420100),    (420115, '江夏区', 'Jiangxia', 'district', 420100),
    (420116, '黄陂区', 'Huangpi', 'district', 420100),    (420117, '新洲区', 'Xinzhou', 'district', 420100);

INSERT INTO fund VALUES
    ('public_affairs', '村级公共事务专项资金', 'Village public affairs fund', 'city', 'village_standard',
     'village_standard_public_affairs', NULL, 'M01'),
    ('targeted', '精准扶贫资金', 'Targeted poverty-relief fund', 'city', 'village_standard',
     'village_standard_targeted', NULL, 'M02'),
    ('special_factor', '因素法分配专项扶贫资金', 'Factor-allocated special fund', 'city', 'factor', NULL, NULL, 'M05'),
    ('district_increment', '区级增列专项扶贫预算', 'District revenue-increment fund', 'district', 'floor',
     NULL, 'floor_district_increment', 'M03'),
    ('recovered_stock', '盘活存量扶贫资金', 'Recovered idle funds', 'district', 'floor',
     NULL, 'floor_recovered_stock', 'M04');

INSERT INTO programme VALUES
    ('housing_repair', '农村危房改造补助', 'Dangerous-house repair grant', 'household', 'housing', '2210105', '30399',
     true, false, true, 'standard_housing_repair', 'M28'),
    ('industry_award', '产业发展奖补', 'Production award', 'household', 'industry', '2130505', '30310',
     true, true, false, 'standard_industry_award', 'M17'),
    ('labour_subsidy', '劳务补助', 'Labour subsidy', 'person', 'employment', '2130599', '30399',
     true, true, false, 'standard_labour_subsidy', 'M17'),
    ('education_aid', '建档立卡学生生活补助', 'Living grant for registered pupils', 'person', 'education', '2130506', '30308',
     true, false, false, 'standard_education_aid', 'M27'),
    ('dibao_topup', '低保增发补助', 'Dibao top-up', 'household', 'minimum_living', '2081902', '30306',
     true, false, false, 'standard_dibao_topup', 'M30'),
    ('rural_works', '农村基础设施建设', 'Rural works', 'organisation', 'infrastructure', '2130504', '31005',
     false, false, false, NULL, 'M07'),
    ('village_public_affairs', '村级公共事务', 'Village public affairs', 'organisation', 'public_affairs', '2130705', '30299',
     false, false, false, NULL, 'M01');

INSERT INTO negative_list VALUES
    ('N1', '301', '行政事业单位基本支出', 'basic expenditure of public units'),
    ('N2', '30102', '奖金津贴福利', 'bonuses and allowances'),
    ('N3', '31299', '弥补企业亏损', 'making up enterprise losses'),
    ('N4', '30901', '楼堂馆所', 'office buildings and guesthouses'), ('N4', '31001', '楼堂馆所', 'office buildings and guesthouses'),
    ('N5', '307', '弥补预算缺口和偿还债务', 'budget gaps and debts'),
    ('N6', '30906', '大中型基本建设', 'large capital projects'), ('N6', '31006', '大中型基本建设', 'large capital projects'),
    ('N7', '31013', '交通工具及通讯设备', 'vehicles'), ('N7', '31019', '交通工具及通讯设备', 'vehicles and communication'),
    ('N8', '30905', '城市基础设施', 'urban infrastructure of a public unit'),
    ('N9', '39907', '企业担保金', 'enterprise guarantee deposits'),
    ('N10', '31203', '部门所属经济实体', 'business entities of public units');

INSERT INTO exemption_rule VALUES
    ('household_subsidy', '对个人和家庭的补助', 'Subsidy to persons and households',
     '{housing,industry,employment,education,minimum_living}', '{household,person}', NULL, 'domain.md 2.11'),
    ('below_threshold', '限额以下采购', 'Below the threshold', '{*}', '{*}', 'procurement_threshold_works', 'NDRC order 16'),
    ('village_self_build', '村民自建（一事一议）', 'Village self-build', '{infrastructure,public_affairs}',
     '{organisation}', 'village_self_build_limit', 'domain.md 2.11'),
    ('work_relief', '以工代赈', 'Work for relief', '{infrastructure,employment}', '{*}', NULL, 'Tendering Law art. 66');

INSERT INTO parameter (code, version, value, unit, valid_from, valid_to, source, note) VALUES
    ('village_standard_public_affairs', 1, 10000000, 'fen', '2016-01-01', '2020-12-31', '武扶组(2018)12号 四(四)2', 'per village and year'),
    ('village_standard_targeted', 1, 20000000, 'fen', '2016-01-01', '2020-12-31', '武扶组(2018)12号 四(四)2', 'per poor village and year'),
    ('village_count_targeted', 1, 271, 'count', '2016-01-01', '2020-12-31', '武扶组(2018)12号 四(四)2', 'poor villages'),
    ('floor_district_increment', 1, 15, 'percent', '2016-01-01', '2020-12-31', '武扶组(2018)12号 四(四)2', 'of the revenue increment'),
    ('floor_recovered_stock', 1, 50, 'percent', '2016-01-01', '2020-12-31', '武扶组(2018)12号 四(四)2', 'of recovered idle funds'),
    ('publicity_days_project', 1, 10, 'days', '2016-01-01', NULL, '国开办发〔2018〕11号', 'project notices'),
    ('publicity_days_list', 1, 7, 'days', '2016-01-01', NULL, '财办〔2020〕37号; county practice', 'payment lists of households and persons'),
    ('idle_alert_days', 1, 365, 'days', '2016-01-01', NULL, '国办发〔2014〕70号', ''),
    ('bank_confirmation_days', 1, 15, 'days', '2016-01-01', NULL, 'agent-bank agreement (demonstration)', ''),
    ('procurement_threshold_works', 1, 400000000, 'fen', '2018-06-01', NULL, 'NDRC order 16, 2018', 'single contract estimate'),
    ('procurement_threshold_works', 2, 400000000, 'fen', '2016-01-01', '2018-05-31', 'earlier rule (demonstration)', ''),
    ('village_self_build_limit', 1, 100000000, 'fen', '2016-01-01', NULL, 'demonstration figure', ''),
    ('amount_max', 1, 1000000000000000, 'fen', '2016-01-01', NULL, 'fundledger: limit of one entry', ''),
    ('list_lines_max', 1, 200000, 'count', '2016-01-01', NULL, 'fundledger: limit of one list', ''),
    ('standard_housing_repair', 1, 2000000, 'fen', '2016-01-01', NULL, 'demonstration figure', 'per house'),
    ('standard_industry_award', 1, 50000, 'fen', '2016-01-01', NULL, 'demonstration figure', 'per mu or head of stock'),
    ('standard_labour_subsidy', 1, 8000, 'fen', '2016-01-01', NULL, 'demonstration figure', 'per working day'),
    ('standard_education_aid', 1, 100000, 'fen', '2016-01-01', NULL, 'demonstration figure', 'per pupil and term'),
    ('standard_dibao_topup', 1, 12000, 'fen', '2016-01-01', NULL, 'M30: 20 % of a local standard of 600 yuan (demonstration)', 'per month');

INSERT INTO account_kind VALUES
    ('budget_source',     '支出预算',       'Expenditure budget (source)',            true,  false),
    ('unreleased_budget', '待下达指标',     'Unreleased authority of a budget line',  false, false),
    ('unreleased',        '待下达指标',     'Unreleased authority of an allocation',  false, false),
    ('released',          '已下达',         'Released to the district',               false, true),
    ('upper_transfer',    '上级转移指标',   'Transfer from the upper level (source)', true,  false),
    ('executable',        '可执行指标',     'Executable authority',                   false, false),
    ('available',         '项目可用',       'Available to a project',                 false, false),
    ('paid',              '已支付',         'Paid',                                   false, true);

INSERT INTO entry_kind VALUES
    ('adopt',        '预算批复',     'Adopt budget',          'city',     '{finance}', false, false),
    ('allocate',     '指标分配',     'Allocate',              'city',     '{finance}', false, false),
    ('release',      '指标下达',     'Release',               'city',     '{finance}', false, false),
    ('adopt_own',    '区级预算安排', 'Adopt own money',       'district', '{finance}', false, false),
    ('fund',         '项目安排',     'Fund a project',        'district', '{finance,poverty_office}', false, false),
    ('pay',          '支付',         'Pay',                   'district', '{finance,poverty_office,township}', true, false),
    ('return',       '退票',         'Bank return',           'district', '{finance}', false, true),
    ('reverse',      '冲销',         'Reversal',              'any',      '{finance,poverty_office}', false, true);

INSERT INTO posting_rule VALUES
    ('adopt',     1, 'budget_source',     'unreleased_budget'),
    ('allocate',  1, 'unreleased_budget', 'unreleased'),
    ('release',   1, 'unreleased',        'released'),
    ('release',   2, 'upper_transfer',    'executable'),
    ('adopt_own', 1, 'budget_source',     'executable'),
    ('fund',      1, 'executable',        'available'),
    ('pay',       1, 'available',         'paid');
