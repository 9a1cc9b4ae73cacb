// Validates the given OpenAPI documents as a whole, and every example in them
// against its schema.
import { readFile } from 'node:fs/promises';
import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

let examples = 0;

// check validates one example of a document.
function check(ajv, where, schema, value) {
  examples++;
  const refer = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/'));
  const validate = ajv.compile(refer);
  if (!validate(value)) throw new Error(`${where}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`);
}

// checkContent validates the examples of a body.
function checkContent(ajv, where, content = {}) {
  for (const media of Object.values(content)) {
    for (const [name, example] of Object.entries(media.examples ?? {})) {
      check(ajv, `${where}, example ${name}`, media.schema, example.value);
    }
  }
}

for (const file of process.argv.slice(2)) {
  const document = JSON.parse(await readFile(file, 'utf8'));
  const result = await new Validator().validate(document);
  if (!result.valid) throw new Error(`${file}: ${JSON.stringify(result.errors, null, 2)}`);
  const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }), ['date-time', 'int64']);
  ajv.addSchema(document, 'document');
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const where = `${file}: ${method} ${path}`;
      checkContent(ajv, where, operation.requestBody?.content);
      for (const response of Object.values(operation.responses)) checkContent(ajv, where, response.content);
      for (const p of operation.parameters ?? []) {
        if (p.example !== undefined) check(ajv, `${where}, ${p.name}`, p.schema, p.example);
      }
    }
  }
  console.log(`${file}: OpenAPI ${document.openapi}, valid`);
}
console.log(`${examples} examples fit their schemas`);
