"""What people look at: a page of all pictures, and a sheet of each cluster's surest."""

from deepcluster_sk.report.page import write_report
from deepcluster_sk.report.sheet import contact_sheet

__all__ = ["contact_sheet", "write_report"]
