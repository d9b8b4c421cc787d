"""Workbooks (xlsx, xlsm, ods, xls) as what a person sees of them in the program, and nothing else.

Two readings that share no code: ``python-calamine`` gives the values, and a bounded scan of the file itself gives what
calamine does not tell (hidden rows and columns, number formats, formulas, errors). A cell enters where both agree.
"""
