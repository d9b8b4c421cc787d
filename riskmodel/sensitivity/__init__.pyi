from .ascertainment import AdjustedSettings as AdjustedSettings
from .ascertainment import adjusted_settings as adjusted_settings
from .selective_publication import tipping_point as tipping_point
from .value_of_information import next_series as next_series
from .variants import robustness as robustness
from .variants import tested as tested
from .within_centre import centre_dependence as centre_dependence
