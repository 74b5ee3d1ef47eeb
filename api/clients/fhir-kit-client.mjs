// The ordinary work of a program that uses fhir-kit-client.
import assert from 'node:assert/strict';
import { Client } from 'fhir-kit-client';

const client = new Client({ baseUrl: process.env.FHIR_BASE });
client.bearerToken = process.env.FHIR_TOKEN;

const statement = await client.capabilityStatement();
assert.equal(statement.resourceType, 'CapabilityStatement');
assert.equal(statement.fhirVersion, '4.0.1');

const patient = await client.create({ resourceType: 'Patient', body: { resourceType: 'Patient', name: [{ family: 'Kit', given: ['Ama'] }], birthDate: '1970-01-02' } });
assert.ok(patient.id);
assert.deepEqual((await client.read({ resourceType: 'Patient', id: patient.id })).name, patient.name);
const updated = await client.update({ resourceType: 'Patient', id: patient.id, body: { ...patient, gender: 'female' } });
assert.equal(updated.meta.versionId, '2');
const patched = await client.patch({ resourceType: 'Patient', id: patient.id, jsonPatch: [{ op: 'replace', path: '/gender', value: 'other' }], JSONPatch: [{ op: 'replace', path: '/gender', value: 'other' }] });
assert.equal(patched.gender, 'other');
assert.equal((await client.vread({ resourceType: 'Patient', id: patient.id, version: '1' })).gender, undefined);
assert.equal((await client.resourceHistory({ resourceType: 'Patient', id: patient.id })).entry.length, 3);
assert.equal((await client.typeHistory({ resourceType: 'Patient' })).type, 'history');
assert.equal((await client.systemHistory()).type, 'history');

const subject = { reference: `Patient/${patient.id}` };
const batch = await client.batch({ body: { resourceType: 'Bundle', type: 'batch', entry: [1, 2, 3].map((n) => ({
  request: { method: 'POST', url: 'Observation' },
  resource: { resourceType: 'Observation', status: 'final', code: { coding: [{ system: 'http://loinc.org', code: '718-7' }] }, subject, valueQuantity: { value: 100 + n, unit: 'g/L' } },
})) } });
assert.deepEqual(batch.entry.map((e) => e.response.status.slice(0, 3)), ['201', '201', '201']);
const transaction = await client.transaction({ body: { resourceType: 'Bundle', type: 'transaction', entry: [
  { fullUrl: 'urn:uuid:0f0d5b8c-2a0e-4a57-9d2e-1b1c2d3e4f50', request: { method: 'POST', url: 'Encounter' }, resource: { resourceType: 'Encounter', status: 'finished', class: { code: 'AMB' }, subject } },
  { request: { method: 'POST', url: 'Condition' }, resource: { resourceType: 'Condition', code: { text: 'Anaemia' }, subject, encounter: { reference: 'urn:uuid:0f0d5b8c-2a0e-4a57-9d2e-1b1c2d3e4f50' } } },
] } });
assert.equal(transaction.type, 'transaction-response');

let page = await client.search({ resourceType: 'Observation', searchParams: { patient: patient.id, code: 'http://loinc.org|718-7', _count: 2 } });
assert.equal(page.entry.length, 2);
page = await client.nextPage({ bundle: page });
assert.equal(page.entry.length, 1);
const one = await client.compartmentSearch({ resourceType: 'Condition', compartment: { resourceType: 'Patient', id: patient.id } });
assert.equal(one.entry.length, 1, JSON.stringify(one));
assert.equal((await client.resolve({ reference: `${process.env.FHIR_BASE}/${one.entry[0].resource.encounter.reference}` })).resourceType, 'Encounter');
const posted = await client.resourceSearch({ resourceType: 'Patient', searchParams: { family: 'kit' }, options: { postSearch: true } });
assert.ok(posted.entry.some((e) => e.resource.id === patient.id));
const everything = await client.operation({ name: 'everything', resourceType: 'Patient', id: patient.id, method: 'GET' });
assert.equal(everything.entry.length, 6);

await client.delete({ resourceType: 'Condition', id: one.entry[0].resource.id });
await assert.rejects(client.read({ resourceType: 'Condition', id: one.entry[0].resource.id }), (e) => e.response.status === 410 && e.response.data.resourceType === 'OperationOutcome');
console.log('done');
