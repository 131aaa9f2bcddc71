from clew.traces.evaluations import evaluations

__all__ = ["evaluations"]
