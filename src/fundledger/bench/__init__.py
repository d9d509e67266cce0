"""Benchmarks anyone can start: ``fundledger bench posting --json``.

Every figure is a ratio to raw COPY, measured in the same run on the same server, beside the absolute number; nothing
here is a test and no test is timed. The server is an embedded PostgreSQL of its own with default durability, in a
temporary folder, and the HTTP figures go through the real `serve` in a process of its own.

`world` fills a book through the gate, `load` is a light load generator, `posting` measures, `report` prints.
"""
