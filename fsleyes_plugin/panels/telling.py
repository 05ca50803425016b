"""How an error is told: in FSLeyes' own window, in the sentence of the error, without a traceback."""

import fsleyes_widgets.utils.status as status


def tell(title: str, error: Exception) -> None:
    """Say what went wrong.

    Parameters
    ----------
    title : str
        What was tried.
    error : Exception
        Its text says what was found, what is needed and what to do.
    """
    status.reportError(title, f"{title}: this did not work.", error)
