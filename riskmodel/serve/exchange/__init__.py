"""An answer's dictionary as what other systems read: CDS Hooks cards, FHIR resources. No web package is imported here."""
