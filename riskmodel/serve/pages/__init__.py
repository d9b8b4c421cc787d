"""What templates are given, and the pictures in them: an answer, its controls, a finding. No request is seen here."""
