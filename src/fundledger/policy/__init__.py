"""What the policy fixes, as data: parameters (政策参数) by version and date, funds, programmes, exemptions.

Funds and the other lists are filled by migrations; parameters are changed by two people of the city (`parameters`). The
gate reads the same rows in SQL (``parameter_value``), so there is no
second copy of a limit, a day count or a standard in Python.
"""
