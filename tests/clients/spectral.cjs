// Prints what Spectral's rules for OpenAPI find in each document; nothing when all is well.
const { readFileSync } = require("node:fs");
const { Spectral } = require("@stoplight/spectral-core");
const { oas } = require("@stoplight/spectral-rulesets");

async function lint() {
  for (const path of process.argv.slice(2)) {
    const spectral = new Spectral();
    spectral.setRuleset({ extends: [[oas, "recommended"]] });
    for (const found of await spectral.run(readFileSync(path, "utf8"))) {
      console.log(`${path} ${found.path.join("/")}: ${found.code}: ${found.message}`);
    }
  }
}

lint();
