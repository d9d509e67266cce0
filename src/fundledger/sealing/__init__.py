"""The sealed log: how anyone can prove, offline, that the book was not changed since they last looked (design 5).

`canonical` turns a record into its one sequence of bytes (RFC 8785 JSON on a restricted domain). `merkle` is the
RFC 6962 hash tree over those bytes: roots, streaming roots in constant memory, and proofs that a leaf is in a tree and
that a tree is the beginning of a later one.

A proof shows that the book was not changed. It does not show that the cash arrived.
"""
