// Runs static/js/outbox-core.js, the very file phones run, for tests: one JSON line [name, ...arguments] in, one out.
"use strict";
const core = require("../../static/js/outbox-core.js");
const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", function (line) {
  const asked = JSON.parse(line);
  const made = core[asked[0]].apply(null, asked.slice(1));
  process.stdout.write(JSON.stringify(made === undefined ? null : made) + "\n");
});
