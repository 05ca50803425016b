"""How spectra are drawn; the numbers are those of :class:`~fsleyes_plugin.model.curves.Display`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """Choices of the figure.

    Attributes
    ----------
    keep_height : bool
        Whether the range of the vertical axis stays when the cursor moves.
    one_scale : bool
        Whether pinned voxels have the same vertical axis as the voxel at the cursor.
    """

    keep_height: bool = False
    one_scale: bool = True
