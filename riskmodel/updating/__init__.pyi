from .fit_record import FitRecord as FitRecord
from .many import fit_all as fit_all
from .new_counts import Refit as Refit
from .new_counts import refit as refit
