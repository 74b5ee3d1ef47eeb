// Evaluates expressions with fhirpath.js, the engine of the National Library of
// Medicine. One JSON object a line comes in, {"resource":,"tasks":[{"base":,
// "part":,"expression":}]}, and one goes out: for each task what was found, or
// {"error":}. part is an element of the resource, of the type base.
const fhirpath = require('fhirpath');
const r4 = require('fhirpath/fhir-context/r4');
const compiled = new Map();

function run(resource, task) {
  const key = (task.base ?? '') + '\n' + task.expression;
  let f = compiled.get(key);
  if (!f) {
    f = fhirpath.compile(task.base ? { base: task.base, expression: task.expression } : task.expression, r4, { traceFn: () => {} });
    compiled.set(key, f);
  }
  const found = f(task.base ? task.part : resource, { resource, rootResource: resource });
  return found.map((v) => (v !== null && typeof v === 'object' && v.constructor !== Object ? v.toString() : v));
}

require('readline')
  .createInterface({ input: process.stdin, crlfDelay: Infinity })
  .on('line', (line) => {
    const { resource, tasks } = JSON.parse(line);
    const out = tasks.map((task) => {
      try {
        return run(resource, task);
      } catch (e) {
        return { error: String(e.message ?? e) };
      }
    });
    process.stdout.write(JSON.stringify(out) + '\n');
  });
