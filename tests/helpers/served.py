"""A service asked without a socket."""

from starlette.testclient import TestClient

import riskmodel as rm

HOST = "http://127.0.0.1"


def client_of(service):
    """What a browser on this machine would be, that follows nothing and is told of every fault."""
    return TestClient(service.guarded, base_url=HOST, raise_server_exceptions=False, follow_redirects=False)


def call(finding, states):
    """A call of CDS Hooks by a system whose patient has the finding and these states."""
    observations = [
        {
            "resourceType": "Observation",
            "code": {"coding": [{"system": "urn:x-riskmodel:state", "code": name}]},
            "status": "registered" if state == "pending" else "final",
            **({"dataAbsentReason": {"coding": [{"code": "asked-declined"}]}} if state == "declined" else
               {"valueCodeableConcept": {"coding": [{"system": "urn:x-riskmodel:state", "code": f"{name}.{state}"}]}}),
        }
        for name, state in states.items()
    ]  # fmt: skip
    condition = {"resourceType": "Condition", "code": {"text": rm.load_evidence(finding).finding.title}}
    return {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": "1"},
        "prefetch": {
            "conditions": {"resourceType": "Bundle", "entry": [{"resource": condition}]},
            "observations": {"resourceType": "Bundle", "entry": [{"resource": one} for one in observations]},
        },
    }
