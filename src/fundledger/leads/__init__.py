"""Leads (问题线索), first version: anomalies (疑点) for auditors and inspectors.

A rule is data (`rules`) and one plain SQL view (``migrations/sql/0001/72_anomalies.sql``); `anomalies` asks the views
with filters, page by page, and counts. Called by `api.anomalies`; auditors may select the same views as the reader role
and get the same rows. Takes no lock and writes nothing. A hit is a question, not a verdict: leads with an owner, a
check and a verdict come in a later issue.
"""
