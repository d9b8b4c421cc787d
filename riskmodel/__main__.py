"""``python -m riskmodel``."""

from riskmodel.cli import main

main()
