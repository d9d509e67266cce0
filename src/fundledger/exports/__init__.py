"""Exports (数据导出): the way of money as files that auditors' own tools read, as of a log position.

Who calls whom: an edge (`api/exports`, `cli/exports`) settles a `Scope` (whose books, of what, as of when), `formats`
names what it can be written as, `folder` writes the parts of one export into a folder with a manifest, `jobs` does so
for the service, one after another. `columns` says what a row is, `statements` is the SQL, `stretches` cuts a book into
parts, `edges` walks the trail of a subject; `delimited`, `parquet` and `workbook` are the formats of rows.

`bundle` writes what `fundledger verify` proves offline (docs/bundle.md): `bundle_selection` says which records belong
to it, `bundle_trail` follows a trail, `bundle_lines`, `bundle_records`, `bundle_openings` and `sealing.content` read,
`bundle_zip` writes.

Guaranteed: rows are of entries whose log position is at most the scope's, and a row says what was known when its entry
was posted; so the same scope gives the same bytes, today and in years. Memory does not grow with the export. No name,
card or identity number of a person is read, but for the openings that somebody who may see them asks of a bundle. Only
reads, no locks.
"""
