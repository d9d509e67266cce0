"""Problems of running the machine: settings of the command line, parts that are not installed, and the sealed log."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_RUNNING = "design 8"
_ROLES = "design 3.2"
_SEALED = "design 5"

ROWS: tuple[Problem, ...] = (
    Problem(
        "database-url-missing", Family.MALFORMED, _RUNNING,
        "缺少数据库地址", "A database URL is missing",
        "该命令需要环境变量 {variable}。", "This command needs the environment variable {variable}.",
        "设置 {variable} 后重试。", "Set {variable} and try again.",
    ),
    Problem(
        "variable-missing", Family.MALFORMED, _RUNNING,
        "缺少环境变量", "An environment variable is missing",
        "该命令需要环境变量 {variable}。", "This command needs the environment variable {variable}.",
        "设置 {variable} 后重试；口令和令牌不写在命令行上。",
        "Set {variable} and try again; secrets are not given on the command line.",
    ),
    Problem(
        "role-too-powerful", Family.REFUSED, _ROLES,
        "拒绝以该数据库角色运行", "The service does not run as this database role",
        "该角色是所有者、超级用户，或能直接写入账本；服务只能以服务角色运行。",
        "The role is the owner, a superuser, or can write the book directly; only the service role may serve.",
        "在 FUNDLEDGER_DATABASE_URL 中使用角色 fundledger_service。",
        "Name the role fundledger_service in FUNDLEDGER_DATABASE_URL.",
    ),
    Problem(
        "address-not-usable", Family.UNAVAILABLE, _RUNNING,
        "监听地址不可用", "The address cannot be listened on",
        "{address} 已被占用，或不是本机地址。", "{address} is in use, or is not an address of this machine.",
        "结束占用它的程序，或用 FUNDLEDGER_PORT 换一个端口（0 为任一空闲端口）。",
        "End what uses it, or name another port with FUNDLEDGER_PORT (0 takes a free one).",
    ),
    Problem(
        "part-not-installed", Family.NOT_FOUND, _RUNNING,
        "未安装该部分", "This part is not installed",
        "此安装中没有 {part}。", "{part} is not in this installation.",
    ),
    Problem(
        "demo-needs-empty-database", Family.REFUSED, _RUNNING,
        "示范数据只能装入空库", "The demonstration needs an empty database",
        "数据库中已有人员或制单记录。", "There are people or instructions in the database already.",
        "换一个空的数据目录或数据库。", "Use another data folder, or another database.",
    ),
    Problem(
        "verify-needs-a-source", Family.MALFORMED, _SEALED,
        "未指明核验对象", "It was not said what to verify",
        "须给出一个核验包文件，或加上 --database 核对数据库，二者择一。",
        "Give the file of a bundle, or add --database to check the database: one of the two.",
    ),
    Problem(
        "machine-refuses", Family.UNAVAILABLE, _RUNNING,
        "文件、磁盘或数据库不可用", "A file, the disk or the database is not to be had",
        "{what}：{reason}。", "{what}: {reason}.",
        "检查路径、权限、磁盘空间，以及数据库是否在运行，然后重试。",
        "Check the path, its permissions, the disk's space, and that the database runs; then try again.",
    ),
    Problem(
        "embedded-not-usable", Family.UNAVAILABLE, _RUNNING,
        "内置数据库无法使用", "The embedded database can't be used",
        "{reason}。", "{reason}.",
        "按说明处理；docs/operation.md 说明数据目录和设置。",
        "Mend what it says; docs/operation.md has the data folder and the settings.",
    ),
    Problem(
        "setting-malformed", Family.MALFORMED, _RUNNING,
        "设置项的值不可用", "A setting has no such value",
        "环境变量 {setting}：{reason}。", "The environment variable {setting}: {reason}.",
        "改正后重试；全部设置见 docs/operation.md。", "Mend it and try again; all settings are in docs/operation.md.",
    ),
    Problem(
        "person-malformed", Family.MALFORMED, _RUNNING,
        "单位种类或岗位不可用", "No such kind of unit, or no such duty",
        "单位种类：finance、poverty_office、township、village、audit、inspection、admin；岗位：maker、approver、payer。",
        "Kinds: finance, poverty_office, township, village, audit, inspection, admin; duties: maker, approver, payer.",
        "改正 --kind 或 --duty。", "Mend --kind or --duty.",
    ),
    Problem(
        "token-id-unknown", Family.REFUSED, _RUNNING,
        "没有可吊销的该令牌", "There is no such token to revoke",
        "没有编号为 {id} 的令牌，或已吊销。", "There is no token of the id {id}, or it was revoked before.",
        "编号见 fundledger token list 第一列。", "The id is in the first column of fundledger token list.",
    ),
    Problem(
        "verify-option-unused", Family.MALFORMED, _SEALED,
        "该选项不适用于所核验的对象", "This option is not for what is verified",
        "{option} 不适用于此：--checkpoint 用于核验包，--leaf 用于 .tlog-proof 证明文件。",
        "{option} is not for this: --checkpoint goes with a bundle, --leaf with a .tlog-proof.",
        "去掉该选项，或换用对应的文件。", "Leave it out, or verify the file it belongs to.",
    ),
    Problem(
        "file-unreadable", Family.NOT_FOUND, _RUNNING,
        "文件无法读取", "The file cannot be read",
        "{file} 不存在或无权读取。", "{file} does not exist or may not be read.",
    ),
    Problem(
        "file-not-text", Family.MALFORMED, _RUNNING,
        "文件不是文本", "The file is not text",
        "{file} 须为 UTF-8 文本。", "{file} must be UTF-8 text.",
    ),
    Problem(
        "log-record-not-found", Family.NOT_FOUND, _SEALED,
        "日志中没有该记录", "No such record in the log",
        "没有这样的记录，或不在您可查看的账簿内。", "There is no such record, or it is in a book you may not see.",
    ),
)  # fmt: skip
