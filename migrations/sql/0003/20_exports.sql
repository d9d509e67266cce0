-- Exports (数据导出): who took what, the parts of jobs and how they ended. All append-only: a job's state is what was
-- recorded of it, so nothing has to be updated. Written by fundledger.exports.records; files are beside the database.

-- Entries too long to be sorted in memory are read by themselves (fundledger.exports.stretches).
CREATE INDEX entry_long ON entry (book, entry_id) WHERE line_count > 20000;
