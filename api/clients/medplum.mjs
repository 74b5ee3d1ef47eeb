// The ordinary work of a program that uses @medplum/core.
import assert from 'node:assert/strict';

// The client asks for it as it loads, and Node has none before 22. Nothing here opens one.
globalThis.WebSocket ??= class {};
const { MedplumClient } = await import('@medplum/core');

const base = new URL(process.env.FHIR_BASE);
const medplum = new MedplumClient({ baseUrl: base.origin + '/', fhirUrlPath: 'fhir', fetch, cacheTime: 0 });
medplum.setAccessToken(process.env.FHIR_TOKEN);

const patient = await medplum.createResource({ resourceType: 'Patient', name: [{ family: 'Plum', given: ['Ada'] }], identifier: [{ system: 'urn:plum', value: '1' }], birthDate: '1990-09-09' });
assert.ok(patient.id);
const again = await medplum.createResourceIfNoneExist({ resourceType: 'Patient', name: [{ family: 'Plum' }], identifier: [{ system: 'urn:plum', value: '1' }] }, 'identifier=urn:plum|1');
assert.equal(again.id, patient.id);
assert.equal((await medplum.readResource('Patient', patient.id)).birthDate, '1990-09-09');
const updated = await medplum.updateResource({ ...patient, gender: 'female' });
assert.equal(updated.meta.versionId, '2');
const patched = await medplum.patchResource('Patient', patient.id, [{ op: 'test', path: '/gender', value: 'female' }, { op: 'replace', path: '/gender', value: 'other' }]);
assert.equal(patched.gender, 'other');
const upserted = await medplum.upsertResource({ resourceType: 'Patient', name: [{ family: 'Plum' }], identifier: [{ system: 'urn:plum', value: '1' }] }, { identifier: 'urn:plum|1' });
assert.equal(upserted.id, patient.id);

const subject = { reference: `Patient/${patient.id}` };
const made = await medplum.executeBatch({ resourceType: 'Bundle', type: 'transaction', entry: [1, 2, 3].map((n) => ({ request: { method: 'POST', url: 'Observation' }, resource: { resourceType: 'Observation', status: 'final', code: { coding: [{ system: 'http://loinc.org', code: '29463-7' }] }, subject, valueQuantity: { value: 70 + n, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' } } })) });
assert.equal(made.entry.length, 3);
const found = await medplum.searchResources('Observation', { subject: `Patient/${patient.id}`, 'value-quantity': 'gt71500||g', _sort: '-_lastUpdated' });
assert.equal(found.length, 2);
assert.equal((await medplum.searchOne('Patient', 'family=plum')).id, patient.id);
const bundle = await medplum.search('Observation', { subject: `Patient/${patient.id}`, _total: 'accurate', _count: '1' });
assert.equal(bundle.total, 3);
let pages = 0;
for await (const page of medplum.searchResourcePages('Observation', { subject: `Patient/${patient.id}`, _count: '2' })) { pages += page.length; }
assert.equal(pages, 3);
assert.equal((await medplum.readHistory('Patient', patient.id)).entry.length, 4);
assert.equal((await medplum.readVersion('Patient', patient.id, '1')).gender, undefined);
assert.equal((await medplum.readReference(subject)).id, patient.id);
assert.equal((await medplum.readPatientEverything(patient.id)).entry.length, 4);
const binary = await medplum.createBinary({ data: 'as it was written', filename: 'letter.txt', contentType: 'text/plain' });
assert.equal(await (await medplum.download(medplum.fhirUrl('Binary', binary.id), { headers: { Accept: 'text/plain' } })).text(), 'as it was written');
await medplum.deleteResource('Observation', found[0].id);
await assert.rejects(medplum.readResource('Observation', found[0].id));
console.log('done');
