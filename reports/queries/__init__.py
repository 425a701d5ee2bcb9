from reports.queries.figures import Table, by_level, children, table, values

__all__ = ["Table", "by_level", "children", "table", "values"]
