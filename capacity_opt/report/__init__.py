"""What people look at: terminal tables, charts, the HTML report and the workbook, all made from a run folder."""
