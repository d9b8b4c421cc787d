from .left_out import LeaveOneOut as LeaveOneOut
from .left_out import cumulative as cumulative
from .left_out import leave_one_out as leave_one_out
from .left_out import loo as loo
from .left_out import loo_pit as loo_pit
from .powers import power_scaling as power_scaling
from .weights import shrinkage as shrinkage
