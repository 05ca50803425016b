"""Show fits of MRS over the anatomy, in FSLeyes; ``fsleyes -s mrsdl`` opens it.

``model`` reads results and computes curves and maps, without a window toolkit; ``panels`` draw them. FSLeyes finds
the parts by the entry points of this distribution, so that nothing is imported here.
"""
