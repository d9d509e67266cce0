"""Files people upload and download: reading spreadsheets saved as CSV, and writing cells no spreadsheet will run.

`csv_rows` reads a file as it is (any encoding a Chinese office saves in, Chinese or English headings, any line ending)
and names every line it cannot read, all at once. What the cells mean is the business of the caller.
"""
