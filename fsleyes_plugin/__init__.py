"""Fits of MRS over the anatomy, in FSLeyes; ``fsleyes -s mrsdl`` shows it.

``model`` reads results and computes what is shown, without a window toolkit; ``panels`` draw it. FSLeyes finds
the parts by the entry points of this distribution, so that nothing is imported here.
"""
