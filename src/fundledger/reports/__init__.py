"""Reports that add the book up: execution of the budget, compliance with the policy's shares, terms of office.

Reads only, each in the caller's snapshot; every figure can be re-added from the transfers (and is, by the tests).
"""
