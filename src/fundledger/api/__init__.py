"""HTTP under ``/v1``: routes that parse, authorise, call one service function and answer. No rule about money is here.

`deps` gives a route its `Call` (who, which key, which request), `problems` turns refusals into RFC 9457 bodies and
keeps them as evidence, `wire` has the shapes shared by routes, `app` wires everything. One router module per area.
"""
