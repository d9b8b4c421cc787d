from .corpus import Corpus as Corpus
from .corpus import load_corpus as load_corpus
from .cross_validation import calibrate as calibrate
from .leave_one_out import loo_pit as loo_pit
from .leave_one_out import pit_table as pit_table
from .predictors import PoolPredictor as PoolPredictor
from .record import CalibrationRecord as CalibrationRecord
