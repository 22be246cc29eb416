"""The parts a real installation buys in - database, object store, broker - started from Python wheels.

Guarantees: every part listens on 127.0.0.1 only, keeps its data in the folder it is given, survives `kill -9`
and dies with the process that started it. Not a guarantee: high availability, TLS, or speed at scale.
"""
