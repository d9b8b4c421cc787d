from .corpus import Corpus as Corpus
from .corpus import load_corpus as load_corpus
from .cross_validation import calibrate as calibrate
from .pit import pit_table as pit_table
from .predictors import PoolPredictor as PoolPredictor
from .record import CalibrationRecord as CalibrationRecord
