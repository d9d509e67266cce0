"""Problems of backup and restore: a copy that cannot be taken, is not whole, or would lie over a database."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_RUNNING = "design 8"
_SEALED = "design 5"

ROWS: tuple[Problem, ...] = (
    Problem(
        "backup-folder-in-use", Family.REFUSED, _RUNNING,
        "备份目录不可用", "The backup folder can't be used",
        "每次备份写入数据库目录以外一个新的空目录，不覆盖已有文件。",
        "Every backup goes to a new, empty folder outside the database's own; nothing is written over.",
        "指定另一个目录，例如名称带日期。", "Name another folder, for instance with the date.",
    ),
    Problem(
        "backup-needs-replication", Family.REFUSED, _RUNNING,
        "该角色不能做物理备份", "This role can't take a physical backup",
        "FUNDLEDGER_SUPERUSER_DATABASE_URL 的角色既不是超级用户，也没有 REPLICATION 权限。",
        "The role of FUNDLEDGER_SUPERUSER_DATABASE_URL is neither a superuser nor has it REPLICATION.",
        "用超级用户，或 ALTER ROLE … REPLICATION，并在 pg_hba.conf 中允许 replication 连接。",
        "Name a superuser, or ALTER ROLE … REPLICATION, and allow replication connections in pg_hba.conf.",
    ),
    Problem(
        "backup-other-server", Family.REFUSED, _RUNNING,
        "两个地址不是同一台服务器", "The two URLs are not of one server",
        "FUNDLEDGER_SUPERUSER_DATABASE_URL 与账本所在的服务器不同，备份的将不是账本。",
        "FUNDLEDGER_SUPERUSER_DATABASE_URL names another server than the book's: the copy would not be of the book.",
        "两个变量写同一台服务器。", "Name the same server in both variables.",
    ),
    Problem(
        "backup-other-tools", Family.REFUSED, _RUNNING,
        "PostgreSQL 版本不同", "PostgreSQL versions differ",
        "数据库是 {server} 版，备份工具是 {tools} 版；物理备份须用同一主版本。",
        "The database is version {server}, the programs {tools}; a physical backup needs the same major version.",
        "把 FUNDLEDGER_PG_BIN 指向 {server} 版的 bin 目录。",
        "Point FUNDLEDGER_PG_BIN to the bin folder of version {server}.",
    ),
    Problem(
        "backup-failed", Family.UNAVAILABLE, _RUNNING,
        "备份没有完成", "The backup was not finished",
        "PostgreSQL 的说明：“{reason}”。", "PostgreSQL says: “{reason}”.",
        "按说明处理后，备份到一个新的空目录。", "Mend it and back up to a new, empty folder.",
    ),
    Problem(
        "backup-incomplete", Family.REFUSED, _RUNNING,
        "不是完整的备份", "Not a finished backup",
        "目录中没有 backup.json：备份中断，或不是备份目录。",
        "There is no backup.json in the folder: the backup was broken off, or this is no backup.",
        "用一个完整的备份；中断的备份可以删除。", "Use a finished backup; one that was broken off can be deleted.",
    ),
    Problem(
        "backup-unknown-format", Family.REFUSED, _RUNNING,
        "备份格式未知", "The backup has an unknown format",
        "backup.json 不是本版本认识的格式。", "This version does not know the format stated in backup.json.",
        "用写下该备份的版本恢复。", "Restore with the version that made the backup.",
    ),
    Problem(
        "backup-damaged", Family.REFUSED, _SEALED,
        "备份已损坏", "The backup is damaged",
        "与备份时写下的清单不符：{reason}。", "It is not what its manifest says: {reason}.",
        "换另一份备份。", "Use another backup.",
    ),
    Problem(
        "backup-newer-schema", Family.REFUSED, _RUNNING,
        "备份来自更新的版本", "The backup is of a newer version",
        "备份的数据库结构 {revision} 本版本不认识。", "This version does not know the backup's schema {revision}.",
        "用更新的 fundledger 恢复。", "Restore with a newer fundledger.",
    ),
    Problem(
        "restore-over-database", Family.REFUSED, _SEALED,
        "目录中已有数据库", "There is a database in the folder already",
        "恢复从不覆盖已有的数据库。", "A restore never writes over a database.",
        "用 --data-dir 指定一个新目录；要取代旧库，先把旧目录改名保存。",
        "Name a new folder with --data-dir; to replace the old one, move its folder away and keep it.",
    ),
    Problem(
        "restore-into-backup", Family.REFUSED, _SEALED,
        "数据目录在备份目录内", "The data folder is inside the backup",
        "恢复不在备份目录中写任何文件，备份须保持原样。",
        "A restore writes nothing into the backup's folder: the backup must stay as it was written.",
        "用 --data-dir 指定备份以外的目录。", "Name a folder outside the backup with --data-dir.",
    ),
    Problem(
        "checkpoint-unusable", Family.REFUSED, _SEALED,
        "检查点不可用", "The checkpoint can't be used",
        "{name}：{reason}。", "{name}: {reason}.",
        "使用本日志的检查点；签名公钥取自 log-keys.json 或备份。",
        "Give a checkpoint of this log; its verifier keys are taken from log-keys.json or from the backup.",
    ),
)  # fmt: skip
