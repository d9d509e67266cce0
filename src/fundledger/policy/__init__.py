"""What the policy fixes, as data: parameters (政策参数) by version and date, funds, programmes, exemptions.

Filled by migrations only; the service reads. The gate reads the same rows in SQL (``parameter_value``), so there is no
second copy of a limit, a day count or a standard in Python.
"""
