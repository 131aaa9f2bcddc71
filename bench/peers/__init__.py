"""Clew beside other stores of LLM traces: the same requests to each, until the spans can be read back (``python -m bench.peers``)."""
